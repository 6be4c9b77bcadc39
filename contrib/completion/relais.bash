# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of relais(1) for bash.

# As relais queue shows them.
_relais_ids() {
	relais queue 2>/dev/null | sed -n 's/^\([0-9a-v]\{4,16\}\) .*/\1/p'
}
_relais_accounts() {
	relais --json status 2>/dev/null |
	    sed -n 's/^ *"name": *"\([^"\\]*\)",*$/\1/p'
}
_relais_providers() {
	relais --json providers 2>/dev/null |
	    sed -n 's/.*{"key": *"\([^"\\]*\)".*/\1/p'
}
_relais() {
	local word=${COMP_WORDS[COMP_CWORD]} verb="" i words
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c) i=$((i + 1)) ;;
		-*) ;;
		*) verb=${COMP_WORDS[i]}; break ;;
		esac
	done
	if [[ ${COMP_WORDS[COMP_CWORD - 1]} == -c ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	fi
	case $verb in
	"") words="setup import login status check test passwd queue show log flush retry hold release delete explain
	    aliases rewrite config store nodes metrics reload stop providers version -c --json --help" ;;
	import) words="msmtp ssmtp nullmailer postfix exim dma --from --dry-run
	    --yes --force" ;;
	metrics)
		if [[ ${COMP_WORDS[COMP_CWORD - 1]} == --textfile ]]; then
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			return
		fi
		words="--textfile" ;;
	queue) words="--watch" ;;
	store) words="init upgrade check export import" ;;
	log)
		if [[ ${COMP_WORDS[COMP_CWORD - 1]} == --account ]]; then
			words=$(_relais_accounts)
		else
			words="--follow --since --to --account --failed --last"
		fi ;;
	show) words=$(_relais_ids) ;;
	retry | hold | release | delete) words="--all $(_relais_ids)" ;;
	flush) words="--all $(_relais_accounts)" ;;
	passwd) words="--password-file --force $(_relais_accounts)" ;;
	login) words="--browser --device $(_relais_accounts)" ;;
	check) case ${COMP_WORDS[COMP_CWORD - 1]} in
		--provider) words=$(_relais_providers) ;;
		*) words="--send --host --provider $(_relais_accounts)" ;;
		esac ;;
	test) words=$(_relais_accounts) ;;
	providers) words=$(_relais_providers) ;;
	rewrite) words="--from --to --user --account --7bit"
		mapfile -t COMPREPLY < <(compgen -f -W "$words" -- "$word")
		return ;;
	setup) case ${COMP_WORDS[COMP_CWORD - 1]} in
		--secret) words="file keyring credential" ;;
		--tls) words="implicit starttls" ;;
		--provider) words=$(_relais_providers) ;;
		--account) words=$(_relais_accounts) ;;
		--*-file | -c)
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			return ;;
		*) words="--provider --host --port --tls --tls-ca-file --user
		    --password-file --admin --account --secret --client-id
		    --tenant --client-secret-file --jwt-key-file
		    --yes --force --no-send --json" ;;
		esac ;;
	*) words="--json --help" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _relais relais
