-- Once per service. Five roles:
--   soha_{service}_owner     owns the schema and all in it; nobody logs in as it
--   soha_{service}_migrator  logs in to migrate, and acts as the owner
--   soha_{service}           the service: reads and writes rows of its own schema, no more
--   soha_{service}_batch     the same rights for work on whole months, with patience
--   soha_{service}_reader    reads, for a person who looks into a fault
-- Deadlines (decision 11) belong to the roles, so that no connection can forget them.
SET LOCAL client_min_messages = warning;

ALTER ROLE soha_{service}_owner    WITH NOLOGIN;
ALTER ROLE soha_{service}_migrator WITH LOGIN CONNECTION LIMIT 3;
ALTER ROLE soha_{service}          WITH LOGIN CONNECTION LIMIT 12;
ALTER ROLE soha_{service}_batch    WITH LOGIN CONNECTION LIMIT 4;
ALTER ROLE soha_{service}_reader   WITH LOGIN CONNECTION LIMIT 2;

GRANT soha_{service}_owner TO soha_{service}_migrator;
GRANT CONNECT ON DATABASE {database}
   TO soha_{service}, soha_{service}_migrator, soha_{service}_batch, soha_{service}_reader;

CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION soha_{service}_owner;
GRANT USAGE ON SCHEMA {service}
   TO soha_{service}, soha_{service}_batch, soha_{service}_reader, soha_courier;

ALTER DEFAULT PRIVILEGES FOR ROLE soha_{service}_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE soha_{service}_owner IN SCHEMA {service}
   GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO soha_{service}, soha_{service}_batch;
ALTER DEFAULT PRIVILEGES FOR ROLE soha_{service}_owner IN SCHEMA {service}
   GRANT USAGE, SELECT ON SEQUENCES TO soha_{service}, soha_{service}_batch;
ALTER DEFAULT PRIVILEGES FOR ROLE soha_{service}_owner IN SCHEMA {service}
   GRANT EXECUTE ON FUNCTIONS TO soha_{service}, soha_{service}_batch;
ALTER DEFAULT PRIVILEGES FOR ROLE soha_{service}_owner IN SCHEMA {service}
   GRANT SELECT ON TABLES TO soha_{service}_reader;

ALTER ROLE soha_{service} SET search_path = {service};
ALTER ROLE soha_{service} SET statement_timeout = '3s';
ALTER ROLE soha_{service} SET lock_timeout = '1s';
ALTER ROLE soha_{service} SET idle_in_transaction_session_timeout = '5s';
ALTER ROLE soha_{service} SET timezone = 'UTC';

ALTER ROLE soha_{service}_batch SET search_path = {service};
ALTER ROLE soha_{service}_batch SET statement_timeout = '120s';
ALTER ROLE soha_{service}_batch SET lock_timeout = '5s';
ALTER ROLE soha_{service}_batch SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE soha_{service}_batch SET timezone = 'UTC';

ALTER ROLE soha_{service}_reader SET search_path = {service};
ALTER ROLE soha_{service}_reader SET default_transaction_read_only = on;
ALTER ROLE soha_{service}_reader SET statement_timeout = '30s';
ALTER ROLE soha_{service}_reader SET lock_timeout = '1s';
ALTER ROLE soha_{service}_reader SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE soha_{service}_reader SET timezone = 'UTC';

-- A migration that waits for a lock gives up soon and is tried again; it never makes a queue.
ALTER ROLE soha_{service}_migrator SET role = 'soha_{service}_owner';
ALTER ROLE soha_{service}_migrator SET search_path = {service};
ALTER ROLE soha_{service}_migrator SET statement_timeout = '10min';
ALTER ROLE soha_{service}_migrator SET lock_timeout = '1s';
ALTER ROLE soha_{service}_migrator SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE soha_{service}_migrator SET timezone = 'UTC';
