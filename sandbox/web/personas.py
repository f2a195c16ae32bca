"""Who one can be on the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.slack import Channel, SimulatedUser


@dataclass(frozen=True)
class Persona:
    """A person, and in a few words what they may do."""

    person: SimulatedUser
    about: str

    @property
    def is_external(self) -> bool:
        """Whether they come from the other side of a shared channel, where no commands and shortcuts of ours are."""
        return self.person.stranger


def find_persona(personas: Sequence[Persona], user_id: object) -> Persona:
    """Return the role of this person; LookupError when nobody of the cast has the id."""
    for persona in personas:
        if persona.person.id == user_id:
            return persona
    raise LookupError(f"nobody on the page is {user_id!r}")


def can_see(persona: Persona, channel: Channel) -> bool:
    """Tell whether this person is in the channel; those from elsewhere know the shared ones alone."""
    if channel.im is not None:
        return channel.im is persona.person
    if persona.is_external and not channel.ext_shared:
        return False
    return persona.person.id not in channel.absent
