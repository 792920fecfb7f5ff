"""The far end of the wire: port, session, protocol, commands, slots."""
