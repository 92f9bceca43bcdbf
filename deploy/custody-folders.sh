#!/usr/bin/env bash
# Lays out a file custody so that each role can be given its own keys and no others, by folder:
#   web/ worker/ audit/ kk/ public/   one key file each      operator/   links to all of them
#   web/ and worker/ also link to audit/, kk/ and public/
# A folder and not a file is what a container or unit is given: key files are replaced as a whole, and a single file that was
# mounted would stay the old one after a rotation. Run it before `testimony init`; running it again changes nothing.
set -euo pipefail
if [ "$#" -ne 1 ]; then
    echo "usage: $0 FOLDER" >&2
    exit 2
fi
umask 077
custody=$1
mkdir -p "$custody"/{operator,web,worker,audit,kk,public}
chmod 700 "$custody" "$custody"/{operator,web,worker,audit,kk,public}
link() { # link ROLE GROUP
    [ -L "$custody/$1/$2.keys" ] || ln -s "../$2/$2.keys" "$custody/$1/$2.keys"
}
for group in web worker audit kk public; do link operator "$group"; done
for role in web worker; do
    for group in audit kk public; do link "$role" "$group"; done
done
