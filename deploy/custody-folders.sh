#!/usr/bin/env bash
# Lays out a file custody so that each role can be given its own keys and no others, by folder:
#   web/ worker/ audit/ intake/ kk/ public/   one key file each      operator/   links to all of them
#   web/ and worker/ also link to audit/, kk/ and public/, and web/ to intake/
# A folder and not a file is what a container or unit is given: key files are replaced as a whole, and a single file that was
# mounted would stay the old one after a rotation. Run it before `testimony init`; running it again changes nothing.
set -euo pipefail
if [ "$#" -ne 1 ]; then
    echo "usage: $0 FOLDER" >&2
    exit 2
fi
umask 077
custody=$1
mkdir -p "$custody"/{operator,web,worker,audit,intake,kk,public}
chmod 700 "$custody" "$custody"/{operator,web,worker,audit,intake,kk,public}
link() { # link ROLE GROUP
    local path=$custody/$1/$2.keys
    if [ -L "$path" ]; then return; fi
    # A file here was made by a newer program before its folder was.
    if [ -e "$path" ]; then mv "$path" "$custody/$2/$2.keys"; fi
    ln -s "../$2/$2.keys" "$path"
}
for group in web worker audit intake kk public; do link operator "$group"; done
for role in web worker; do
    for group in audit kk public; do link "$role" "$group"; done
done
link web intake
