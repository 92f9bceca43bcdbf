#!/usr/bin/env bash
# Makes what compose.yaml needs and nobody should invent by hand: passwords, database URLs, certificates inside, the custody
# folders, testimony.env. Run it once, as root beside compose.yaml (with rootless podman: `podman unshare ./first-secrets.sh DOMAIN`).
# A file that exists is never touched. `--mine` leaves every file to whoever runs it, for a look without root.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "${TESTIMONY_DEPLOY_FOLDER:-$here}"
owners=yes
if [ "${1:-}" = --mine ]; then owners=no && shift; fi
if [ "$#" -ne 1 ]; then
    echo "usage: $0 [--mine] DOMAIN" >&2
    exit 2
fi
domain=$1
umask 077
application=10001 database=999 proxy=10002 # the numbers in compose.yaml and Containerfile
valid_days=397

own() { # own USER MODE FILE...
    local user=$1 mode=$2
    shift 2
    chmod "$mode" "$@"
    if [ "$owners" = yes ]; then chown "$user:$user" "$@"; fi
}
keep() { # keep FILE: standard input, unless the file is there
    if [ -e "$1" ]; then cat >/dev/null; else cat >"$1"; fi
}
certificate() { # certificate NAME HOST USER: a self-signed one, known to its clients by the file
    local name=secrets/$1
    [ -e "${name}_key" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$valid_days" \
        -subj "/CN=$2" -addext "subjectAltName=DNS:$2" -keyout "${name}_key" -out "${name}_certificate" 2>/dev/null
    own "$3" 444 "${name}_certificate"
    own "$3" 400 "${name}_key"
}
database() { # database PREFIX HOST URLFILE
    openssl rand -hex 32 | keep "secrets/$1_password"
    certificate "$1_tls" "$2" "$database"
    printf 'postgresql+psycopg://testimony:%s@%s:5432/testimony?sslmode=verify-full&sslrootcert=/run/secrets/%s_tls_certificate' \
        "$(cat "secrets/$1_password")" "$2" "$1" | keep "secrets/$3"
    own "$database" 400 "secrets/$1_password"
    own "$application" 400 "secrets/$3"
}

mkdir -p secrets caddy-data
chmod 711 secrets
database main_db main-db database_url
database keystore_db keystore-db keystore_url
certificate web_tls web.testimony.internal "$application"
own "$proxy" 700 caddy-data
"$here/custody-folders.sh" custody
if [ "$owners" = yes ]; then chown -hR "$application:$application" custody; fi

uuid=$(cat /proc/sys/kernel/random/uuid)
sed -e "s/^TESTIMONY_DEPLOYMENT=.*/TESTIMONY_DEPLOYMENT=$uuid/" -e "s/testimony\.example\.org/$domain/" \
    -e "s|^TESTIMONY_TRUSTED_PROXIES=.*|TESTIMONY_TRUSTED_PROXIES=10.213.87.0/24|" "$here/testimony.env.example" | keep testimony.env
printf 'TESTIMONY_DOMAIN=%s\n' "$domain" | keep caddy.env
