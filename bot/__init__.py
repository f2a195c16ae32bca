"""The bot without its entry points: rules, services, storage, clients and views."""
