"""Service calendars behind connector.domain.calendar: their written form, their windows, holidays, arrays of them."""
