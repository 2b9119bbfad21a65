"""How much memory an attempt gets: predicted, learned, and more after it was not enough. Pure."""

from emg_operator.settings import OperatorSettings

STEP = 2
# A prediction may be far off, but not by any factor: one odd recording must not size all others.
_LEAST_PERMILLE, _MOST_PERMILLE = 500, 8000
_MARGIN_PERMILLE = 1250  # the kernel counts buffers and page tables, too
_RECORDINGS = 4  # in memory at once, at most: bytes, samples, what the filters make of them


def predicted_mib(size_bytes: int | None, settings: OperatorSettings) -> int:
    """Return programs and libraries, and four times the recording."""
    return settings.memory_mib + _RECORDINGS * ((size_bytes or 0) // 2**20)


def first_mib(size_bytes: int | None, permille: int | None, settings: OperatorSettings) -> int:
    """Return the memory of a first attempt; `permille` is what attempts used of their prediction, where known."""
    predicted = predicted_mib(size_bytes, settings)
    if permille is not None:
        share = min(max(permille, _LEAST_PERMILLE), _MOST_PERMILLE)
        predicted = -(-predicted * share * _MARGIN_PERMILLE // 1_000_000)
    return min(predicted, settings.most_memory_mib)


def next_mib(memory_mib: int, settings: OperatorSettings) -> int:
    """Return the next rung of the ladder; the same where there is none."""
    return max(memory_mib, min(memory_mib * STEP, settings.most_memory_mib))
