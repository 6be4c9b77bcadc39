# Helpers: over cmocka for the unit tests, the bed for the end-to-end tests.
EXTRA_DIST += %reldir%/check.h %reldir%/ss_driver.h %reldir%/bed.sh %reldir%/peers
