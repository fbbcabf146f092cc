"""The store: SQLite, or PostgreSQL for several nodes. Numbers and names are in its vault and nowhere else.

`database.Store` is its face, put together from one class for each kind of asker (`calling_lists`, `call_records`,
`people`, `safekeeping`, `web_accounts`); what each table can do is in a module of its own. All writes go through
`writer`. Tables are in `schema`, their history in `migrations`.
"""
