"""dovecot: into which mailbox a message went, and who failed to log in. Nothing else of it is about mail coming in."""

from advisor.family import IP, REST, family

PROGRAMS = ("dovecot",)
POSTFIX = False

# lmtp(alice@ourdom.test)<30301><z5FOLrRhDVpd>:   lmtp(30301, alice): z5FOLrRhDVpd: before version 2.3
_DELIVERY = (
    r"(?:lmtp|lda|deliver)\((?:\d+, )?(?P<recipient>[^()]*)\)(?:<[^<>]*>){0,2}: (?:[\w+/]{10,40}: )?(?:sieve: )?"
    r"(?:DATA '[^']*': )?(?:msgid=(?:<(?P<message_id>[^<>]*)>|[^\s<>:]*)[^:]{0,200}: )?"
)

FAMILIES = (
    family(
        "stored",
        "lmtp(alice@ourdom.test)<30301><z5FOLrRhDVpd>: sieve: msgid=<s001.0@lab>: stored mail into mailbox 'Junk'",
        rf"{_DELIVERY}(?:saved mail to|stored mail into mailbox) '?(?P<relay>[^']*)'?",
    ),
    family(
        "not_stored",
        "lmtp(alice@ourdom.test)<30301><z5FOLrRhDVpd>: msgid=<s001.0@lab>: save failed to INBOX: Quota exceeded",
        rf"{_DELIVERY}save failed to (?:open mailbox )?(?P<relay>[^:]*): (?P<reason>.*)",
    ),
    family(
        "login_failed",
        "imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<alice>, method=PLAIN, rip=198.51.100.9, "
        "lip=192.0.2.1, TLS, session=<Yx7+W8+Io>",
        r"(?:imap|pop3|submission|managesieve)-login: (?:Info: )?"
        r"(?P<reason>[^<>]{0,300}?\((?:(?:proxy dest )?auth failed|tried to use dis)[^()]*\)(?: \(\w+\))?): "
        r"(?:user=<(?P<sasl_username>[^<>]*)>, )?(?:method=(?P<action>[^\s,]+), )?"
        rf"rip=(?P<client_address>{IP})(?:, .*)?",
    ),
    family(
        "login_failed",
        "auth-worker(12182): pam(alice,198.51.100.9): pam_authenticate() failed: Authentication failure",
        r"auth(?:-worker)?(?:\([^()]*\))?(?:<[^<>]*>)?: (?:Info: )?(?:conn unix:\S+ \([^()]*\): auth-worker<\d+>: )?"
        rf"[\w-]+\((?P<sasl_username>[^(),]*),(?P<client_address>{IP})(?:,[^()]*)?\): "
        r"(?P<reason>(?:pam_authenticate\(\) failed|unknown user|[Pp]assword mismatch|invalid credentials).*)",
    ),
    REST,
)
