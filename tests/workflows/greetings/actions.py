from pydantic import Field

from workflows.actions.context import ActionContext
from workflows.actions.registry import ActionConfig, action
from workflows.documents import Json


class GreetConfig(ActionConfig):
    first_name: str = Field(description="Whom to greet.")


@action("greet", config=GreetConfig)
def greet(config: GreetConfig, context: ActionContext) -> Json:
    """Greets somebody."""
    context.log(f"greeting {config.first_name}")
    return {"greeting": f"Hello {config.first_name}"}


@action("greet_later", config=GreetConfig)
async def greet_later(config: GreetConfig, context: ActionContext) -> Json:
    return {"greeting": f"Good evening {config.first_name}"}
