-- Hosts that are proved: the provider took a call with them. They travel together; all others apart, few to a call, so that a
-- refusal is soon traced to its host. A host that was refused by itself has to prove itself anew.
create table hosts (
    account text not null,
    operation text not null check (operation in ('purge', 'prefetch')),
    host text not null,
    proved_at integer not null,
    primary key (account, operation, host)
) strict, without rowid;
