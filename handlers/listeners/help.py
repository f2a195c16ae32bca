"""Help texts of commands. Each feature defines its own, so that help stays up to date."""

from dataclasses import dataclass

from bot.views.blocks import Message, section


@dataclass(frozen=True, slots=True)
class Help:
    """The usage of one slash command."""

    command: str
    what: str
    examples: tuple[str, ...]

    def message(self) -> Message:
        """Return the help as an ephemeral message."""
        lines = "\n".join(f"• `{example}`" for example in self.examples)
        spoken = f"{self.command}: {self.what} For example: {', '.join(self.examples)}."
        return Message(spoken, (section(f"*{self.command}*\n{self.what}"), section(lines)))
