"""The users that a visitor of the page can act as."""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.slack import Channel, SimulatedUser


@dataclass(frozen=True)
class Persona:
    """A user, and their permissions in a few words."""

    person: SimulatedUser
    about: str

    @property
    def is_external(self) -> bool:
        """Return whether the user belongs to another organization, which has no commands and shortcuts of the app."""
        return self.person.stranger


def find_persona(personas: Sequence[Persona], user_id: object) -> Persona:
    """Return the persona with this user id. Raises LookupError if there is none."""
    for persona in personas:
        if persona.person.id == user_id:
            return persona
    raise LookupError(f"The page has no user {user_id!r}.")


def can_see(persona: Persona, channel: Channel) -> bool:
    """Return whether the user is in the channel. External users see only shared channels."""
    if channel.im is not None:
        return channel.im is persona.person
    if persona.is_external and not channel.ext_shared:
        return False
    return persona.person.id not in channel.absent
