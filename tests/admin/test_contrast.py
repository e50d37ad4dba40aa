"""What can be filled in or pressed has an edge that can be seen, by day and in the dark (WCAG 2.2, 1.4.11)."""

import pytest
from playwright.sync_api import Page

from tests.admin.scenes import address, operator_of, session_of
from tests.config.browsers import tab
from tests.config.servers import serving
from tests.executions.scenes import ran

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.looks]

LEAST = 3
CONTROLS = ".t-input, .t-select, .t-editor-box, .t-field :is(select, [type=text]), .t-button:not(.t-primary, .t-danger)"
CONTRASTS = """controls => {
    const pixel = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const light = colours => {
        for (const colour of colours) { pixel.fillStyle = colour; pixel.fillRect(0, 0, 1, 1); }
        const parts = [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3).map(part => part / 255);
        const [red, green, blue] = parts.map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
        return .2126 * red + .7152 * green + .0722 * blue;
    };
    const grounds = each => each ? [...grounds(each.parentElement), getComputedStyle(each).backgroundColor] : ["#fff"];
    return controls.filter(each => each.checkVisibility()).map(each => {
        const behind = grounds(each.parentElement);
        const [ground, edge] = [behind, [...behind, getComputedStyle(each).borderTopColor]].map(light);
        return (Math.max(ground, edge) + .05) / (Math.min(ground, edge) + .05);
    });
}"""


def contrasts(page: Page) -> list[float]:
    found: list[float] = page.eval_on_selector_all(CONTROLS, CONTRASTS)
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["by day", "in the dark"])
def test_the_edge_of_a_control_stands_out_from_what_is_behind_it(transactional_db: None, dark: bool) -> None:
    execution = ran({"type": "wait", "config": {"durationMs": 0}})
    operator = operator_of(execution.workspace)
    paths = [
        address("executions_execution_change", execution), address("executions_execution_changelist"),
        address("workflows_workflow_change", execution.workflow),
    ]  # fmt: skip

    with serving() as server:
        for path in paths:
            with tab(f"http://127.0.0.1:{server.port}{path}", session_of(operator), dark=dark) as page:
                found = page.do(contrasts)
            assert len(found) > 2
            assert min(found) >= LEAST, path
