-- A new token.
insert into tokens (public_id, name, tenant, hash, scopes, weight, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8);
