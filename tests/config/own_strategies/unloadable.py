"""A strategy whose file cannot be loaded."""

raise NameError("name 'widht' is not defined")
