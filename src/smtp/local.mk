# The two engines and what they are made of.
noinst_LIBRARIES += %reldir%/libsmtp.a
%canon_reldir%_libsmtp_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libsmtp_a_SOURCES = \
	%reldir%/cmd.c \
	%reldir%/cmd.h \
	%reldir%/smtp_caps.c \
	%reldir%/smtp_caps.h \
	%reldir%/smtp_client.c \
	%reldir%/smtp_client.h \
	%reldir%/smtp_client_auth.c \
	%reldir%/smtp_client_impl.c \
	%reldir%/smtp_client_impl.h \
	%reldir%/smtp_dot.c \
	%reldir%/smtp_dot.h \
	%reldir%/smtp_job.c \
	%reldir%/smtp_job.h \
	%reldir%/smtp_limits.h \
	%reldir%/smtp_out.c \
	%reldir%/smtp_out.h \
	%reldir%/smtp_params.c \
	%reldir%/smtp_params.h \
	%reldir%/smtp_pipeline.c \
	%reldir%/smtp_pipeline.h \
	%reldir%/smtp_reply.c \
	%reldir%/smtp_reply.h \
	%reldir%/smtp_say.c \
	%reldir%/smtp_say.h \
	%reldir%/smtp_server.c \
	%reldir%/smtp_server.h \
	%reldir%/smtp_server_cmd.c \
	%reldir%/smtp_server_impl.c \
	%reldir%/smtp_server_impl.h \
	%reldir%/syntax.c \
	%reldir%/syntax.h
