#!/bin/sh
# Makes what production mode has to keep secret, one file each, in the folder given; keeps what is there.
# usage: deploy/make-secrets.sh FOLDER [DATABASE HOST AND PORT]
set -eu
folder=${1:?usage: deploy/make-secrets.sh FOLDER [DATABASE HOST AND PORT]}
database=${2:-postgres:5432}

# The folder keeps everybody else out; the files may be read, as every container has a user of its own.
mkdir -p "$folder"
chmod 0700 "$folder"
umask 0333

urlsafe() { head -c "$1" /dev/urandom | base64 | tr -d '\n=' | tr '+/' '-_'; }
hex() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }
keep() { [ -e "$folder/$1" ] || printf '%s\n' "$2" >"$folder/$1"; }

keep secret_key "$(urlsafe 48)"
keep vault_keys "k$(hex 3):$(urlsafe 32)"
keep postgres_password "$(urlsafe 24)"
keep database_url "postgresql://playground:$(cat "$folder/postgres_password")@$database/playground"
# Empty until they are needed: older secret keys while one is replaced, the password of the mail server, and
# the secret access key of the bucket for kept files.
keep secret_key_fallbacks ""
keep email_password ""
keep s3_secret_key ""
