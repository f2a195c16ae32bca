"""The effect of the ack of a view_submission on the modal."""

from dataclasses import dataclass

from sandbox.json_types import Json
from sandbox.slack.workspace.api_errors import SlackError, require_valid_view
from sandbox.slack.workspace.app_workspace import AppWorkspace
from sandbox.slack.workspace.deliveries import Delivery
from sandbox.slack.workspace.payloads import view_json
from sandbox.slack.workspace.views import View


@dataclass(frozen=True)
class SubmissionResult:
    """The outcome of a submission. `errors` is by block_id, and `view` is the view that the app showed next."""

    delivery: Delivery
    errors: dict[str, str] | None = None
    view: Json | None = None
    closed: bool = False

    @property
    def acked(self) -> bool:
        """Return whether the app answered in time. Otherwise, Slack asks the user to try again."""
        return self.delivery.acked

    @property
    def after(self) -> float:
        """Return the seconds until the app answered."""
        return self.delivery.after

    @property
    def error_texts(self) -> list[str]:
        """Return the error texts below the fields."""
        return list((self.errors or {}).values())


def apply_answer(slack: AppWorkspace, view: View, delivery: Delivery) -> SubmissionResult:
    """Close, update, push or mark the modal as the app answered. It stays open if Slack rejects the answer.

    If the user submits twice at once, the first answer may close the modal. A valid second answer then shows nothing.
    """
    if not delivery.acked:
        return SubmissionResult(delivery)
    try:
        return _apply(slack, view, delivery, delivery.payload or {})
    except SlackError as error:
        slack.report_problem(f"the answer to {delivery.what} was refused: {error.error} {error.extras or ''}".strip())
        return SubmissionResult(delivery)
    finally:
        slack.changes.notify_all()


def _apply(slack: AppWorkspace, view: View, delivery: Delivery, answer: Json) -> SubmissionResult:
    match answer.get("response_action"):
        # An empty ack closes the modal.
        case None if not answer:
            slack.modals.close(view)
            return SubmissionResult(delivery, closed=True)
        case "clear":
            slack.modals.clear(view)
            return SubmissionResult(delivery, closed=True)
        case "errors":
            errors = _read_errors(view, answer.get("errors"))
            return (
                SubmissionResult(delivery, errors=errors) if view.is_open else SubmissionResult(delivery, closed=True)
            )
        case "update" | "push" as action:
            return _show(
                slack, view, delivery, require_valid_view(answer.get("view"), slack.limits), pushes=action == "push"
            )
    raise SlackError("invalid_response_action", mistake=True)


def _show(slack: AppWorkspace, view: View, delivery: Delivery, content: Json, *, pushes: bool) -> SubmissionResult:
    if not view.is_open:
        return SubmissionResult(delivery, closed=True)
    if pushes:
        view = slack.modals.push(view, content)
    else:
        slack.modals.update(view, content)
    return SubmissionResult(delivery, view=view_json(slack, view))


def _read_errors(view: View, errors: object) -> dict[str, str]:
    inputs = {each.block_id for each in view.fields if each.in_input}
    if not isinstance(errors, dict) or not errors:
        raise SlackError("invalid_errors", mistake=True)
    # Slack shows errors below input blocks only.
    if unknown := [block_id for block_id in errors if block_id not in inputs]:
        raise SlackError("invalid_errors", mistake=True, messages=(f"no input block has the block_id {unknown}",))
    return {str(block_id): str(text) for block_id, text in errors.items()}
