/* SPDX-License-Identifier: GPL-3.0-or-later */
/* notifyd [--markup] - stands in for the desktop that shows notifications: one
 * line for each on stdout,
 *	show NUMBER REPLACED TITLE | BODY	(line ends of the body as \n)
 *	close NUMBER
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wundef"
#include <gio/gio.h>
#pragma GCC diagnostic pop

static const char interface[] =
    "<node><interface name='org.freedesktop.Notifications'>"
    "<method name='GetCapabilities'>"
    "<arg type='as' direction='out'/></method>"
    "<method name='Notify'><arg type='s' direction='in'/>"
    "<arg type='u' direction='in'/><arg type='s' direction='in'/>"
    "<arg type='s' direction='in'/><arg type='s' direction='in'/>"
    "<arg type='as' direction='in'/><arg type='a{sv}' direction='in'/>"
    "<arg type='i' direction='in'/><arg type='u' direction='out'/></method>"
    "<method name='CloseNotification'>"
    "<arg type='u' direction='in'/></method>"
    "</interface></node>";

static bool has_markup;
static guint32 newest;

static void
print_body(const char *body)
{
	for (; *body != '\0'; body++)
		if (*body == '\n')
			(void)fputs("\\n", stdout);
		else
			(void)putchar(*body);
	(void)putchar('\n');
}

static void
notify(GVariant *args, GDBusMethodInvocation *call)
{
	const char *title, *body;
	guint32 replaced, number;

	g_variant_get(args, "(&su&s&s&sasa{sv}i)", NULL, &replaced, NULL,
	    &title, &body, NULL, NULL, NULL);
	number = replaced != 0 ? replaced : ++newest;
	(void)printf("show %u %u %s | ", number, replaced, title);
	print_body(body);
	g_dbus_method_invocation_return_value(
	    call, g_variant_new("(u)", number));
}

static void
on_call(GDBusConnection *bus, const gchar *sender, const gchar *path,
    const gchar *face, const gchar *method, GVariant *args,
    GDBusMethodInvocation *call, gpointer data)
{
	static const char *const markup[] = { "body", "body-markup", NULL };
	static const char *const plain[] = { "body", NULL };
	guint32 number;

	(void)bus;
	(void)sender;
	(void)path;
	(void)face;
	(void)data;
	if (strcmp(method, "Notify") == 0) {
		notify(args, call);
	} else if (strcmp(method, "CloseNotification") == 0) {
		g_variant_get(args, "(u)", &number);
		(void)printf("close %u\n", number);
		g_dbus_method_invocation_return_value(call, NULL);
	} else {
		g_dbus_method_invocation_return_value(
		    call, g_variant_new("(^as)", has_markup ? markup : plain));
	}
	(void)fflush(stdout);
}

static void
on_bus(GDBusConnection *bus, const gchar *name, gpointer node)
{
	static const GDBusInterfaceVTable table = { .method_call = on_call };

	(void)name;
	(void)g_dbus_connection_register_object(bus,
	    "/org/freedesktop/Notifications",
	    ((GDBusNodeInfo *)node)->interfaces[0], &table, NULL, NULL, NULL);
}

static void
on_name(GDBusConnection *bus, const gchar *name, gpointer node)
{
	(void)bus;
	(void)name;
	(void)node;
	(void)puts("ready");
	(void)fflush(stdout);
}

int
main(int argc, char **argv)
{
	GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(interface, NULL);

	has_markup = argc > 1 && strcmp(argv[1], "--markup") == 0;
	(void)g_bus_own_name(G_BUS_TYPE_SESSION,
	    "org.freedesktop.Notifications", G_BUS_NAME_OWNER_FLAGS_NONE,
	    on_bus, on_name, NULL, node, NULL);
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
}
