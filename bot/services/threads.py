"""Where the thread of a request stands, for whoever may read it."""

from bot.models import Actor
from bot.services.reporting import root_key
from bot.slack.chat import Chat
from bot.store.posts import Posts


class Threads:
    """Links to the threads of requests."""

    def __init__(self, posts: Posts, chat: Chat) -> None:
        self._posts = posts
        self._chat = chat

    async def link(self, reader: Actor, request_id: str, asked_by: str) -> str | None:
        """A link to the thread of a request that somebody asked for; None where the reader may not open it."""
        post = await self._posts.get(root_key(request_id))
        if post is None or post.ts is None:
            return None
        # A conversation of two belongs to whoever asked there, whether it was chosen or a detour.
        is_direct = post.detour is not None or post.place.channel_id.startswith("D")
        if is_direct and asked_by != reader.user_id:
            return None
        return await self._chat.permalink(post.place, post.ts)
