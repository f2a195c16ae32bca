"""Who one can be on the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.slack import Channel, Person


@dataclass(frozen=True)
class Role:
    """A person, and in a few words what they may do."""

    person: Person
    about: str

    @property
    def is_from_elsewhere(self) -> bool:
        """Whether they come from the other side of a shared channel, where no commands and shortcuts of ours are."""
        return self.person.stranger


def role_of(cast: Sequence[Role], user_id: object) -> Role:
    """Return the role of this person; LookupError when nobody of the cast has the id."""
    for role in cast:
        if role.person.id == user_id:
            return role
    raise LookupError(f"nobody on the page is {user_id!r}")


def sees(role: Role, channel: Channel) -> bool:
    """Tell whether this person is in the channel; those from elsewhere know the shared ones alone."""
    if channel.im is not None:
        return channel.im is role.person
    if role.is_from_elsewhere and not channel.ext_shared:
        return False
    return role.person.id not in channel.absent
