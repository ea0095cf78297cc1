-- Who may ask. Written by `refreshd token`, beside a running daemon too; the daemon only reads.
--
-- `hash` is HMAC-SHA-256 of the token, keyed with a pepper that is not in here: it lies in <database>.pepper, readable
-- by its owner alone. So a copy of the database (a backup, a support bundle) is no help in finding or checking tokens.
create table tokens (
    id integer primary key,
    -- The middle part of the token's text: what it is found and revoked by.
    public_id blob not null unique check (length(public_id) = 8),
    name text not null,
    -- A name, no reference: a tenant has a token before it has a job.
    tenant text not null,
    hash blob not null check (length(hash) = 32),
    -- Words with spaces between, in their normal form.
    scopes text not null check (scopes <> ''),
    -- The tenant's share in what leaves, against the others'.
    weight integer not null check (weight between 1 and 1000),
    created_at integer not null,
    expires_at integer,
    revoked_at integer
) strict;
