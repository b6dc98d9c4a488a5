"""The lab: real Postfix, BIND, postgrey, policyd-spf, opendkim and opendmarc, asked what the advisor only predicts.

    world ▸ named            hosts, domains and lists; the name server that knows them
    session ▸ sessions       what a client does; the list of all clients
    configuration ▸ configurations   what is switched on in one run; the list of all runs
    namespace ▸ maillog ▸ postfix ▸ companion ▸ player ▸ run      one run after another, inside private namespaces
    prediction ▸ comparison ▸ table                               what the advisor says, beside what Postfix did

`python -m tests.lab` runs all of it as root and prints the table; nothing of it leaves the namespaces but files.
"""
