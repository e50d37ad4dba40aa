"""How times are read in the admin: as everywhere else here, to the second and with their zone."""

DATETIME_FORMAT = r"Y-m-d H:i:s \U\T\C"
