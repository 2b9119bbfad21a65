"""Where the next page of a list begins, as text that only we read."""

import base64
import binascii

import msgspec

from emg_api.refusals import BadQuery
from emg_session.listing import Place

_DECODER = msgspec.json.Decoder(Place)


def cursor_of(place: Place) -> str:
    """Return a place as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()


def place_of(cursor: str) -> Place:
    """Return the place a cursor stands for; raises BadQuery."""
    try:
        place = _DECODER.decode(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise BadQuery("cursor is not one of ours: take `next_cursor` of the page before") from error
    if place.created_at.tzinfo is None or not place.session_code.isprintable():
        raise BadQuery("cursor is not one of ours: take `next_cursor` of the page before")
    return place
