# formats.awk - the formats of a PO file, each with a zero byte, as C strings.
function flush() {
	if (is_format && text ~ /%[^%]/)
		print text "\"\\0\""
	is_format = 0
	text = ""
	is_id = 0
}
/^#,.*c-format/ { is_format = 1 }
/^msgid "/ { is_id = 1; sub(/^msgid /, "") }
/^msgid_plural/ { text = text "\"\\0\""; is_id = 1; sub(/^msgid_plural /, "") }
/^msgstr/ { is_id = 0 }
is_id && /^"/ { gsub(/%<PRI[diux]64>/, "%ld"); text = text $0 "\n" }
/^$/ { flush() }
END { flush() }
