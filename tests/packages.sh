#!/bin/sh
# The real parts that the tests drive: Postfix and what runs beside it (BIND, policyd-spf, postgrey, OpenDKIM, OpenDMARC),
# Chromium, Java for Spark, systemd's journal, and what logrotate packs with. Installed here when we may, else named.
missing=""
command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
"${PYTHON:-python3}" -c 'import os, sysconfig as s; os.stat(s.get_path("include") + "/Python.h")' 2>/dev/null ||
  missing="$missing python3-dev"
command -v postconf >/dev/null 2>&1 || [ -x /usr/sbin/postconf ] || missing="$missing postfix"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v java >/dev/null 2>&1 || missing="$missing default-jre-headless"
[ -x /usr/lib/systemd/systemd-journal-remote ] ||
  [ -x /lib/systemd/systemd-journal-remote ] || missing="$missing systemd-journal-remote"
command -v journalctl >/dev/null 2>&1 || missing="$missing systemd"
command -v bzip2 >/dev/null 2>&1 || missing="$missing bzip2"
command -v xz >/dev/null 2>&1 || missing="$missing xz-utils"
command -v zstd >/dev/null 2>&1 || missing="$missing zstd"
command -v named >/dev/null 2>&1 || [ -x /usr/sbin/named ] || missing="$missing bind9"
command -v opendmarc >/dev/null 2>&1 || [ -x /usr/sbin/opendmarc ] || missing="$missing opendmarc"
command -v opendkim >/dev/null 2>&1 || [ -x /usr/sbin/opendkim ] || missing="$missing opendkim"
command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
command -v ip >/dev/null 2>&1 || [ -x /usr/sbin/ip ] || missing="$missing iproute2"
command -v unshare >/dev/null 2>&1 || missing="$missing util-linux"
command -v policyd-spf >/dev/null 2>&1 || missing="$missing postfix-policyd-spf-python"
command -v patch >/dev/null 2>&1 || missing="$missing patch"
command -v pipx >/dev/null 2>&1 || missing="$missing pipx"
# Both libraries that SPF may ask the DNS with: its answers are compared over each.
/usr/bin/python3 -c "import DNS" 2>/dev/null || missing="$missing python3-dns"
/usr/bin/python3 -c "import dns.resolver" 2>/dev/null || missing="$missing python3-dnspython"
command -v postgrey >/dev/null 2>&1 || [ -x /usr/sbin/postgrey ] || missing="$missing postgrey"
command -v faketime >/dev/null 2>&1 || missing="$missing faketime"
for table in pcre lmdb cdb; do
  [ -e "/usr/lib/postfix/postfix-$table.so" ] || missing="$missing postfix-$table"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing$missing for the tests"
  export DEBIAN_FRONTEND=noninteractive
  # "No configuration": the tests bring their own, and no mail system is started on this machine.
  echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
  # Nor anything else: what is started here is started by a test, and ends with it.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
  fi
  apt-get -qq update
  # shellcheck disable=SC2086 # a list of names
  apt-get -qq install -y --no-install-recommends $missing
  exit
fi
echo "make test: these Debian packages are missing, and only root may install them:$missing" >&2
echo "make test: the tests that drive them are skipped" >&2
