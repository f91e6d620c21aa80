"""What may be submitted: the smallest forms that OpenText's collections show, strict there and open to more.

Unknown keys are taken, as a service that grows does; a missing destination, an empty body, data that is no base64 or a
message id of more than 80 characters are refused. Whether the real service looks as closely is not public.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from typing import Annotated, Protocol

from msgspec import Meta, Raw, Struct

Filled = Annotated[str, Meta(min_length=1)]


class Unacceptable(Exception):
    """`str()` says what is wrong with the request."""


class EmailOptions(Struct, frozen=True):
    subject: str | None = None
    from_display_name: str | None = None


class Options(Struct, frozen=True):
    message_id: Annotated[str, Meta(min_length=1, max_length=80)] | None = None
    billing_code: str | None = None
    customer_reference: str | None = None
    email_options: EmailOptions = EmailOptions()


class Part(Struct, frozen=True):
    """A part of a body or a document; `data` is base64 of text in `charset`."""

    name: str
    type: Filled
    data: Filled
    charset: str = "UTF-8"

    def text(self) -> str:
        try:
            return b64decode(self.data, validate=True).decode(self.charset)
        except NotBase64 as error:
            raise Unacceptable(f"`data` of {self.name} is not base64") from error
        except (UnicodeDecodeError, LookupError) as error:
            raise Unacceptable(f"`data` of {self.name} is not {self.charset}") from error


class _Referred(Struct, frozen=True):
    ref: str | None = None


class EmailDestination(_Referred, kw_only=True, frozen=True):
    email: Filled


class SmsDestination(_Referred, kw_only=True, frozen=True):
    sms: Filled


class FaxDestination(_Referred, kw_only=True, frozen=True):
    fax: Filled


class WhatsappDestination(_Referred, kw_only=True, frozen=True):
    whatsapp: Filled


class Submit(Protocol):
    """What all submits have in common."""

    @property
    def options(self) -> Options: ...

    def recipients(self) -> list[tuple[str, str | None]]:
        """Addresses, each with its `ref`."""

    def text(self) -> str:
        """Decoded, as its reader would see it. Raises Unacceptable."""


class Email(Struct, kw_only=True, frozen=True):
    destinations: Annotated[list[EmailDestination], Meta(min_length=1)]
    body: Annotated[list[Part], Meta(min_length=1)]
    options: Options = Options()

    def recipients(self) -> list[tuple[str, str | None]]:
        return [(one.email, one.ref) for one in self.destinations]

    def text(self) -> str:
        return "\n\n".join(part.text() for part in self.body)


class Sms(Struct, kw_only=True, frozen=True):
    destinations: Annotated[list[SmsDestination], Meta(min_length=1)]
    sms_text: Filled
    options: Options = Options()

    def recipients(self) -> list[tuple[str, str | None]]:
        return [(one.sms, one.ref) for one in self.destinations]

    def text(self) -> str:
        return self.sms_text


class Fax(Struct, kw_only=True, frozen=True):
    destinations: Annotated[list[FaxDestination], Meta(min_length=1)]
    documents: Annotated[list[Part], Meta(min_length=1)]
    options: Options = Options()

    def recipients(self) -> list[tuple[str, str | None]]:
        return [(one.fax, one.ref) for one in self.destinations]

    def text(self) -> str:
        return "\n\n".join(part.text() for part in self.documents)


class Template(Struct, kw_only=True, frozen=True):
    template_id: Filled
    language_code: Filled
    parameters: dict[str, str] = {}


class _ChannelTemplate(Struct, rename={"whatsapp": "WHATSAPP"}, frozen=True):
    whatsapp: Template


class _TemplateMessage(Struct, frozen=True):
    channel_template: _ChannelTemplate


class _WhatsappTemplate(Struct, frozen=True):
    template_message: _TemplateMessage


class WhatsappTemplate(Struct, kw_only=True, frozen=True):
    destinations: Annotated[list[WhatsappDestination], Meta(min_length=1)]
    whatsapp_template_message: _WhatsappTemplate
    options: Options = Options()

    def recipients(self) -> list[tuple[str, str | None]]:
        return [(one.whatsapp, one.ref) for one in self.destinations]

    def text(self) -> str:
        template = self.whatsapp_template_message.template_message.channel_template.whatsapp
        said = "\n".join(f"{name}: {value}" for name, value in template.parameters.items())
        return f"[{template.template_id}, {template.language_code}]\n{said}"


_FREE = ("text_message", "media_message", "location_message", "card_message", "choice_message", "list_message")


class Whatsapp(Struct, kw_only=True, frozen=True):
    """A free message: exactly one of the six kinds."""

    destinations: Annotated[list[WhatsappDestination], Meta(min_length=1)]
    whatsapp_message: Annotated[dict[str, Raw], Meta(min_length=1, max_length=1)]
    options: Options = Options()

    def recipients(self) -> list[tuple[str, str | None]]:
        return [(one.whatsapp, one.ref) for one in self.destinations]

    def text(self) -> str:
        ((kind, content),) = self.whatsapp_message.items()
        if kind not in _FREE:
            raise Unacceptable(f"whatsapp_message.{kind} is none of {', '.join(_FREE)}")
        return f"[{kind}]\n{bytes(content).decode()}"
