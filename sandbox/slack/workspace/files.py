"""The files of a workspace: uploaded by the app in three steps, or by a user in a form."""

# https://docs.slack.dev/messaging/working-with-files

import mimetypes
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.json_types import Json
from sandbox.slack.workspace.api_errors import SlackError
from sandbox.slack.workspace.id_generator import IdGenerator

MAX_BYTES = 10_000_000  # of a file in a form


@dataclass(eq=False)
class StoredFile:
    """A file. `length` was declared for the upload, `content` is None before it. `shares` has channel and ts."""

    id: str
    name: str
    title: str
    user: str
    url: str
    length: int
    content: bytes | None = field(default=None, repr=False)
    is_complete: bool = False
    shares: list[tuple[str, str]] = field(default_factory=list)

    @property
    def visible_text(self) -> str:
        """Return the text that a user reads."""
        return self.title

    def as_json(self, *, shares: bool = False) -> Json:
        """Return the file object that apps receive."""
        shared: Json = {}
        for channel, ts in self.shares if shares else ():
            shared.setdefault(channel, []).append({"ts": ts})
        mimetype = mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        about = {"mimetype": mimetype, "filetype": self.name.rpartition(".")[2], "size": self.length}
        urls = {"url_private": self.url, "url_private_download": self.url}
        shown = {"shares": {"public": shared} if shared else {}, "file_access": "visible", "mode": "hosted"}
        return {"id": self.id, "name": self.name, "title": self.title, "user": self.user, **about, **urls, **shown}


class Files:
    """The files by id. The urls are absolute, so a `base_url` of the Web API does not redirect them."""

    def __init__(self, ids: IdGenerator, team_id: str) -> None:
        self._ids, self._team_id = ids, team_id
        self._files: dict[str, StoredFile] = {}
        self._uploads: dict[str, StoredFile] = {}
        self.build_url: Callable[[str], str] = lambda path: path

    def add(self, name: str, user: str, content: bytes) -> StoredFile:
        """Add a file that a user attached."""
        file = self._create(name, user, len(content))
        file.content, file.is_complete = content, True
        return file

    def start_upload(self, name: str, user: str, length: int) -> tuple[StoredFile, str]:
        """Return a new file, and the url that takes its content once."""
        file, key = self._create(name, user, length), self._ids.new_id("", 24)
        self._uploads[key] = file
        return file, self.build_url(f"upload/v1/{key}")

    def receive_upload(self, key: str, content: bytes) -> None:
        """Store the content of an upload. Raises SlackError if the url is unknown or the length is another one."""
        file = self._uploads.pop(key, None)
        if file is None or len(content) != file.length:
            raise SlackError("upload_failed", mistake=True)
        file.content = content

    def find(self, file_id: object) -> StoredFile:
        """Return a file with content. Raises SlackError("file_not_found") if there is none."""
        file = self._files.get(str(file_id))
        if file is None or file.content is None:
            raise SlackError("file_not_found")
        return file

    def _create(self, name: str, user: str, length: int) -> StoredFile:
        file_id = self._ids.new_id("F")
        url = self.build_url(f"files-pri/{self._team_id}-{file_id}/download/{name}")
        self._files[file_id] = StoredFile(file_id, name, name, user, url, length)
        return self._files[file_id]
