/* Keeps the overview up to date while somebody looks at it. Without it the page is what it was when it was opened. */
"use strict";
{
    const EVERY_MS = 5000;
    const overview = document.getElementById("overview");
    const stale = document.getElementById("overview-stale");
    let isAsking = false;

    /* What was opened stays open, and the link that has the focus keeps it. */
    const replace = (html) => {
        const opened = [...overview.querySelectorAll("details[open]")].map((each) => each.id);
        const focused = overview.contains(document.activeElement) ? document.activeElement : null;
        const href = focused && focused.getAttribute("href");
        overview.innerHTML = html;
        opened.forEach((id) => { const each = document.getElementById(id); if (each) each.open = true; });
        if (href) overview.querySelector(`[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
        else if (focused) overview.querySelector(`#${CSS.escape(focused.parentElement.id)} > summary`)?.focus({ preventScroll: true });
    };

    const isReading = () => overview.contains(getSelection().anchorNode) && !getSelection().isCollapsed;

    const refresh = async () => {
        if (isAsking || document.hidden || isReading()) return;
        isAsking = true;
        try {
            const answer = await fetch(overview.dataset.source, { redirect: "error" });
            if (!answer.ok) throw new Error(answer.status);
            replace(await answer.text());
            stale.hidden = true;
        } catch {
            stale.hidden = false;
        } finally {
            isAsking = false;
        }
    };

    setInterval(refresh, EVERY_MS);
    document.addEventListener("visibilitychange", refresh);
}
