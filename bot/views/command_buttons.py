"""Buttons that run a slash command, so that a user need not type a line again."""

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.views.blocks import plain

RUN = "run_command"
_LABEL = 30
# Slack's limit for the value of a button.
_VALUE = 2000


def command_button(label: str, line: str, *, is_primary: bool = False) -> ButtonElement:
    """Return a button that runs a line such as `/dcv-resend why`, with the permissions of the user who presses it."""
    # Slack wants another id for each button of a block.
    action_id = f"{RUN}:{label}"
    return ButtonElement(
        text=plain(label, _LABEL), action_id=action_id, value=line, style="primary" if is_primary else None
    )


def command_buttons(*lines: tuple[str, str]) -> tuple[ActionsBlock, ...]:
    """Return the buttons for pairs of a label and a line, the first one primary. A line that is too long has none."""
    fitting = [(label, line) for label, line in lines if len(line) <= _VALUE]
    elements = [command_button(label, line, is_primary=not number) for number, (label, line) in enumerate(fitting)]
    return (ActionsBlock(elements=elements),) if elements else ()
