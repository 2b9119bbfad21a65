"""Why a recording cannot be read or analysed."""


class C3dError(ValueError):
    """The bytes are not a C3D recording that can be read; reading them again will not help.

    cause: a stable word, for example "NotC3d" or "UnknownProcessor".
    offset: the byte at which the fault shows, where it has a place.
    """

    def __init__(self, message: str, cause: str, offset: int | None) -> None:
        super().__init__(message)
        self.cause = cause
        self.offset = offset


class NeedMoreBytes(Exception):
    """The prefix is too short. needed: the length of one that suffices."""

    def __init__(self, message: str, needed: int) -> None:
        super().__init__(message)
        self.needed = needed


class AnalysisError(ValueError):
    """The recording was read but cannot be analysed so.

    cause: one of "NoEmgChannel", "TooShort", "UnknownProfile", "BadOption".
    """

    def __init__(self, message: str, cause: str) -> None:
        super().__init__(message)
        self.cause = cause
