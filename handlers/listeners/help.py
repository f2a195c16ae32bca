"""What each command says of itself; a feature brings its own help, so that help cannot fall behind."""

from dataclasses import dataclass

from bot.views.blocks import Message, section


@dataclass(frozen=True, slots=True)
class Help:
    """How a command is used."""

    command: str
    what: str
    examples: tuple[str, ...]

    def message(self) -> Message:
        """The help, for one person alone."""
        lines = "\n".join(f"• `{example}`" for example in self.examples)
        spoken = f"{self.command}: {self.what} For example: {', '.join(self.examples)}."
        return Message(spoken, (section(f"*{self.command}*\n{self.what}"), section(lines)))
