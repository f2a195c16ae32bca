"""What people type and alerts write: commands, order ids and domain names read from text. Pure."""
