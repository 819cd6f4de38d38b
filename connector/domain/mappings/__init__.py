"""What connector.domain.mapping is made of: rules, values, transforms, plans of reading and writing."""
