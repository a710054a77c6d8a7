"""Values of the field: identifiers, text, money, calendar. Pure: no input or output."""
