# Dialogues as text; tests/script/README has the format.
script_files = \
	%reldir%/a-sender-over-127-is-taken.smtp \
	%reldir%/auth-is-not-offered-in-clear.smtp \
	%reldir%/auth-plain.smtp \
	%reldir%/bad-addresses-are-refused.smtp \
	%reldir%/bare-lf-commands-are-told-why.smtp \
	%reldir%/bare-line-ends-are-repaired.smtp \
	%reldir%/bdat-is-refused-where-not-offered.smtp \
	%reldir%/chunks-make-a-message.smtp \
	%reldir%/commands-of-others-draw-502.smtp \
	%reldir%/control-characters-are-refused.smtp \
	%reldir%/crcrlf-then-dot-is-the-end.smtp \
	%reldir%/data-and-bdat-do-not-mix.smtp \
	%reldir%/data-without-valid-recipient.smtp \
	%reldir%/dots-are-unstuffed.smtp \
	%reldir%/dsn-parameters-are-taken.smtp \
	%reldir%/ehlo-first.smtp \
	%reldir%/ehlo-resets-like-rset.smtp \
	%reldir%/everything-at-once.smtp \
	%reldir%/ftp-is-dropped-at-once.smtp \
	%reldir%/hello-lists-extensions.smtp \
	%reldir%/helo-is-one-line.smtp \
	%reldir%/http-is-no-smtp.smtp \
	%reldir%/keywords-in-any-case.smtp \
	%reldir%/mail-without-helo-is-taken.smtp \
	%reldir%/malformed-parameter-draws-501.smtp \
	%reldir%/one-message.smtp \
	%reldir%/other-protocols-are-dropped-at-once.smtp \
	%reldir%/out-of-order-leaves-state-unchanged.smtp \
	%reldir%/overlong-line-is-refused.smtp \
	%reldir%/pipelining-answers-in-order.smtp \
	%reldir%/quit-ends-the-session.smtp \
	%reldir%/refused-chunks-are-read.smtp \
	%reldir%/refused-recipients-do-not-stop-the-others.smtp \
	%reldir%/refused-sender-opens-no-transaction.smtp \
	%reldir%/rset-forgets-the-transaction.smtp \
	%reldir%/size-declared-too-big.smtp \
	%reldir%/size-grows-too-big.smtp \
	%reldir%/sloppy-addresses-are-taken.smtp \
	%reldir%/smuggle-cr-dot-cr.smtp \
	%reldir%/smuggle-cr-dot-crlf.smtp \
	%reldir%/smuggle-cr-dot-lf.smtp \
	%reldir%/smuggle-crlf-dot-blank-crlf.smtp \
	%reldir%/smuggle-crlf-dot-cr.smtp \
	%reldir%/smuggle-crlf-dot-crcrlf.smtp \
	%reldir%/smuggle-crlf-dot-lf.smtp \
	%reldir%/smuggle-crlf-dot-nul-crlf.smtp \
	%reldir%/smuggle-crlf-dot-tab-crlf.smtp \
	%reldir%/smuggle-crlf-nul-dot-crlf.smtp \
	%reldir%/smuggle-lf-dot-cr.smtp \
	%reldir%/smuggle-lf-dot-crlf.smtp \
	%reldir%/smuggle-lf-dot-lf.smtp \
	%reldir%/starttls-is-refused-where-not-offered.smtp \
	%reldir%/three-unknown-commands-end-the-session.smtp \
	%reldir%/tls-hello-is-no-smtp.smtp \
	%reldir%/too-many-recipients.smtp \
	%reldir%/two-messages-one-session.smtp \
	%reldir%/unknown-parameter-draws-555.smtp \
	%reldir%/utf8-addresses-need-the-parameter.smtp

EXTRA_DIST += %reldir%/README %reldir%/run $(script_files)

check_PROGRAMS += %reldir%/play
%canon_reldir%_play_SOURCES = %reldir%/play.c
%canon_reldir%_play_LDADD = $(RELAIS_LIBS)
TESTS += %reldir%/run
