# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of relais(1) for fish.
# As relais queue shows them.
function __relais_ids
	relais queue 2>/dev/null | sed -n 's/^\([0-9a-v]\{4,16\}\) .*/\1/p'
end
function __relais_accounts
	relais --json status 2>/dev/null |
	    sed -n 's/^ *"name": *"\([^"\\]*\)",*$/\1/p'
end
function __relais_providers
	relais --json providers 2>/dev/null |
	    sed -n 's/.*{"key": *"\([^"\\]*\)".*/\1/p'
end
complete -c relais -f
complete -c relais -s c -r -F -d 'configuration'
complete -c relais -l json -d 'print JSON'
complete -c relais -l help -d 'explain'
set -l verbs setup import login status check test passwd queue show log flush retry hold release delete explain aliases rewrite config store nodes metrics reload stop providers version
complete -c relais -n "not __fish_seen_subcommand_from $verbs" -a "$verbs"
complete -c relais -n '__fish_seen_subcommand_from import' \
    -a 'msmtp ssmtp nullmailer postfix exim dma'
complete -c relais -n '__fish_seen_subcommand_from import' \
    -l from -r -F -d 'its configuration'
complete -c relais -n '__fish_seen_subcommand_from import' \
    -l dry-run -d 'write nothing'
complete -c relais -n '__fish_seen_subcommand_from import' \
    -l yes -d 'agree to every question'
complete -c relais -n '__fish_seen_subcommand_from import' \
    -l force -d 'write although it does not work'
complete -c relais -n '__fish_seen_subcommand_from setup' \
    -l secret -x -a 'file keyring credential' -d 'where the secret is kept'
complete -c relais -n '__fish_seen_subcommand_from setup' \
    -l tls -x -a 'implicit starttls' -d 'how TLS begins'
complete -c relais -n '__fish_seen_subcommand_from setup' \
    -l account -x -a '(__relais_accounts)' -d 'the name of the account'
complete -c relais -n '__fish_seen_subcommand_from setup' \
    -l host -x -d 'the server' -l port -x -d 'its port' \
    -l user -x -d 'the login name' -l admin -x -d 'who gets mail for root' \
    -l client-id -x -d 'of the client at the provider' \
    -l tenant -x -d 'the directory at Microsoft'
complete -c relais -n '__fish_seen_subcommand_from setup' \
    -l tls-ca-file -r -F -d 'the authority' \
    -l password-file -r -F -d 'has the password' \
    -l client-secret-file -r -F -d 'has the secret of the client' \
    -l jwt-key-file -r -F -d 'the key of a service account'
complete -c relais -n '__fish_seen_subcommand_from setup' \
    -l yes -d 'agree to everything' -l force -d 'write all the same' \
    -l no-send -d 'send no message'
complete -c relais -n '__fish_seen_subcommand_from setup check' \
    -l provider -x -a '(__relais_providers)' -d 'a preset'
complete -c relais -n '__fish_seen_subcommand_from providers' \
    -a '(__relais_providers)'
complete -c relais -n '__fish_seen_subcommand_from store' \
    -a 'init upgrade check export import'
complete -c relais -n '__fish_seen_subcommand_from metrics' \
    -l textfile -r -F -d 'replace this file'
complete -c relais -n '__fish_seen_subcommand_from queue' \
    -l watch -d 'show it again and again'
complete -c relais -n '__fish_seen_subcommand_from log' \
    -l follow -d 'go on with what comes' -l failed -d 'failures alone'
complete -c relais -n '__fish_seen_subcommand_from log' \
    -l since -x -d 'this long ago' -l to -x -d 'a recipient' \
    -l last -x -d 'so many'
complete -c relais -n '__fish_seen_subcommand_from log' \
    -l account -x -a '(__relais_accounts)' -d 'an account'
complete -c relais -n '__fish_seen_subcommand_from show retry hold release delete' \
    -a '(__relais_ids)'
complete -c relais -n '__fish_seen_subcommand_from retry hold release delete flush' \
    -l all -d 'all of them'
complete -c relais -n '__fish_seen_subcommand_from flush check login passwd' -a '(__relais_accounts)'
complete -c relais -n '__fish_seen_subcommand_from login' \
    -l browser -d 'through a page' -l device -d 'by a code'
complete -c relais -n '__fish_seen_subcommand_from check' \
    -l send -x -d 'send a message to this address'
complete -c relais -n '__fish_seen_subcommand_from check' \
    -l host -x -d 'a server that is not configured'
