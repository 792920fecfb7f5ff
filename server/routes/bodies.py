"""Request bodies that several routes take."""

import msgspec


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request that needs none: `{}`."""
