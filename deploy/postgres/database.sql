-- Once per database: nobody is at home here by default, and a mistake finds nowhere to write.
SET LOCAL client_min_messages = warning;

-- Dated policy and memberships exclude overlapping ranges of one key.
CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC;

-- The courier carries events from outboxes to inboxes: the one exception to "no query across
-- schemas". Each service's migration grants it those tables and nothing else.
GRANT CONNECT ON DATABASE {database} TO soha_courier;
ALTER ROLE soha_courier WITH LOGIN CONNECTION LIMIT 6;
ALTER ROLE soha_courier SET search_path = pg_catalog;
ALTER ROLE soha_courier SET statement_timeout = '10s';
ALTER ROLE soha_courier SET lock_timeout = '1s';
ALTER ROLE soha_courier SET idle_in_transaction_session_timeout = '5s';
ALTER ROLE soha_courier SET timezone = 'UTC';
