"""The lab: real Postfix, BIND, postgrey, policyd-spf, opendkim and opendmarc, asked what the advisor only predicts.

    world, named                    hosts, domains and lists; the name server that knows them
    session, sessions               what a client does; the list of all clients
    configuration, configurations   what is switched on in one run; the list of all runs
    namespace, maillog, signature   where nobody else sees it; what all programs say; keys and a DKIM signature
    postfix, companion, player      the server, what runs beside it, and the client
    run, campaign                   one run after another; several worlds at the same time
    record, prediction              what `advisor lookup` keeps of it; what the advisor says, from the baseline's log
    letter                          the weekly mail, sent through it into a mailbox
    comparison, report              beside what Postfix did; the table

`python -m tests.lab` runs all of it as root and prints the table; nothing of it leaves the namespaces but files.
"""
