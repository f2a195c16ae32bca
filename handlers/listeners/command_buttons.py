"""Buttons that run a slash command: *Try again*, *Open the form*, *Did you mean…* and their like."""

import re
from dataclasses import replace
from typing import Any

from attrs import define
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import StaleInteraction
from bot.parsing.commands import RESEND_COMMAND, STATUS_COMMAND
from bot.views.command_buttons import RUN
from bot.wiring import Services
from handlers.listeners import resend_command, status_command
from handlers.listeners.error_boundary import ErrorBoundary
from handlers.listeners.payloads import read_button_interaction, read_choice, read_trigger


@define(eq=False, repr=False, slots=False)
class CommandButtons:
    """Listener that runs the command of a button for the user who pressed it, exactly as if they had typed it."""

    _resend_command: resend_command.ResendCommand
    _status_command: status_command.StatusCommand
    _boundary: ErrorBoundary

    async def run(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Run the command. Its answer replaces the ephemeral message whose button was pressed."""
        line = read_choice(body) or ""
        interaction = replace(read_button_interaction(body), line=line, replaces=True)
        await ack()
        async with self._boundary.respond_to(interaction):
            command, _, text = line.partition(" ")
            if command == RESEND_COMMAND:
                await self._resend_command.run(interaction, text, read_trigger(body))
            elif command == STATUS_COMMAND:
                await self._status_command.run(interaction, text)
            else:
                raise StaleInteraction("button")


def register(app: AsyncApp, services: Services, boundary: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    commands = resend_command.make(services, boundary), status_command.make(services, boundary)
    app.action(re.compile(f"^{RUN}:"))(CommandButtons(*commands, boundary).run)
