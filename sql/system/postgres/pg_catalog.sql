-- Names and columns of PostgreSQL 15's catalog, with its OIDs; a type we don't have is held as the nearest that reads the same.

CREATE TABLE pg_aggregate /* 2600 */ (
  aggfnoid oid NOT NULL, aggkind "char" NOT NULL, aggnumdirectargs int2 NOT NULL, aggtransfn oid NOT NULL,
  aggfinalfn oid NOT NULL, aggcombinefn oid NOT NULL, aggserialfn oid NOT NULL, aggdeserialfn oid NOT NULL,
  aggmtransfn oid NOT NULL, aggminvtransfn oid NOT NULL, aggmfinalfn oid NOT NULL, aggfinalextra bool NOT NULL,
  aggmfinalextra bool NOT NULL, aggfinalmodify "char" NOT NULL, aggmfinalmodify "char" NOT NULL,
  aggsortop oid NOT NULL, aggtranstype oid NOT NULL, aggtransspace int4 NOT NULL, aggmtranstype oid NOT NULL,
  aggmtransspace int4 NOT NULL, agginitval text, aggminitval text
);

CREATE TABLE pg_am /* 2601 */ (
  oid oid NOT NULL, amname name NOT NULL, amhandler oid NOT NULL, amtype "char" NOT NULL
);

CREATE TABLE pg_amop /* 2602 */ (
  oid oid NOT NULL, amopfamily oid NOT NULL, amoplefttype oid NOT NULL, amoprighttype oid NOT NULL,
  amopstrategy int2 NOT NULL, amoppurpose "char" NOT NULL, amopopr oid NOT NULL, amopmethod oid NOT NULL,
  amopsortfamily oid NOT NULL
);

CREATE TABLE pg_amproc /* 2603 */ (
  oid oid NOT NULL, amprocfamily oid NOT NULL, amproclefttype oid NOT NULL, amprocrighttype oid NOT NULL,
  amprocnum int2 NOT NULL, amproc oid NOT NULL
);

CREATE TABLE pg_attrdef /* 2604 */ (
  oid oid NOT NULL, adrelid oid NOT NULL, adnum int2 NOT NULL, adbin text NOT NULL
);

CREATE TABLE pg_attribute /* 1249 */ (
  attrelid oid NOT NULL, attname name NOT NULL, atttypid oid NOT NULL, attstattarget int4 NOT NULL,
  attlen int2 NOT NULL, attnum int2 NOT NULL, attndims int4 NOT NULL, attcacheoff int4 NOT NULL,
  atttypmod int4 NOT NULL, attbyval bool NOT NULL, attalign "char" NOT NULL, attstorage "char" NOT NULL,
  attcompression "char" NOT NULL, attnotnull bool NOT NULL, atthasdef bool NOT NULL, atthasmissing bool NOT NULL,
  attidentity "char" NOT NULL, attgenerated "char" NOT NULL, attisdropped bool NOT NULL, attislocal bool NOT NULL,
  attinhcount int4 NOT NULL, attcollation oid NOT NULL, attacl text[], attoptions text[], attfdwoptions text[],
  attmissingval text
);

CREATE TABLE pg_auth_members /* 1261 */ (
  roleid oid NOT NULL, member oid NOT NULL, grantor oid NOT NULL, admin_option bool NOT NULL
);

CREATE TABLE pg_authid /* 1260 */ (
  oid oid NOT NULL, rolname name NOT NULL, rolsuper bool NOT NULL, rolinherit bool NOT NULL,
  rolcreaterole bool NOT NULL, rolcreatedb bool NOT NULL, rolcanlogin bool NOT NULL, rolreplication bool NOT NULL,
  rolbypassrls bool NOT NULL, rolconnlimit int4 NOT NULL, rolpassword text, rolvaliduntil timestamptz
);

CREATE VIEW pg_available_extension_versions /* 12085 */ (
  name name, version text, installed bool, superuser bool, trusted bool, relocatable bool, schema name,
  requires name[], comment text
);

CREATE VIEW pg_available_extensions /* 12081 */ (
  name name, default_version text, installed_version text, comment text
);

CREATE VIEW pg_backend_memory_contexts /* 12138 */ (
  name text, ident text, parent text, level int4, total_bytes int8, total_nblocks int8, free_bytes int8,
  free_chunks int8, used_bytes int8
);

CREATE TABLE pg_cast /* 2605 */ (
  oid oid NOT NULL, castsource oid NOT NULL, casttarget oid NOT NULL, castfunc oid NOT NULL,
  castcontext "char" NOT NULL, castmethod "char" NOT NULL
);

CREATE TABLE pg_class /* 1259 */ (
  oid oid NOT NULL, relname name NOT NULL, relnamespace oid NOT NULL, reltype oid NOT NULL, reloftype oid NOT NULL,
  relowner oid NOT NULL, relam oid NOT NULL, relfilenode oid NOT NULL, reltablespace oid NOT NULL,
  relpages int4 NOT NULL, reltuples float4 NOT NULL, relallvisible int4 NOT NULL, reltoastrelid oid NOT NULL,
  relhasindex bool NOT NULL, relisshared bool NOT NULL, relpersistence "char" NOT NULL, relkind "char" NOT NULL,
  relnatts int2 NOT NULL, relchecks int2 NOT NULL, relhasrules bool NOT NULL, relhastriggers bool NOT NULL,
  relhassubclass bool NOT NULL, relrowsecurity bool NOT NULL, relforcerowsecurity bool NOT NULL,
  relispopulated bool NOT NULL, relreplident "char" NOT NULL, relispartition bool NOT NULL, relrewrite oid NOT NULL,
  relfrozenxid oid NOT NULL, relminmxid oid NOT NULL, relacl text[], reloptions text[], relpartbound text
);

CREATE TABLE pg_collation /* 3456 */ (
  oid oid NOT NULL, collname name NOT NULL, collnamespace oid NOT NULL, collowner oid NOT NULL,
  collprovider "char" NOT NULL, collisdeterministic bool NOT NULL, collencoding int4 NOT NULL, collcollate text,
  collctype text, colliculocale text, collversion text
);

CREATE VIEW pg_config /* 12130 */ (
  name text, setting text
);

CREATE TABLE pg_constraint /* 2606 */ (
  oid oid NOT NULL, conname name NOT NULL, connamespace oid NOT NULL, contype "char" NOT NULL,
  condeferrable bool NOT NULL, condeferred bool NOT NULL, convalidated bool NOT NULL, conrelid oid NOT NULL,
  contypid oid NOT NULL, conindid oid NOT NULL, conparentid oid NOT NULL, confrelid oid NOT NULL,
  confupdtype "char" NOT NULL, confdeltype "char" NOT NULL, confmatchtype "char" NOT NULL, conislocal bool NOT NULL,
  coninhcount int4 NOT NULL, connoinherit bool NOT NULL, conkey int2[], confkey int2[], conpfeqop oid[],
  conppeqop oid[], conffeqop oid[], confdelsetcols int2[], conexclop oid[], conbin text
);

CREATE TABLE pg_conversion /* 2607 */ (
  oid oid NOT NULL, conname name NOT NULL, connamespace oid NOT NULL, conowner oid NOT NULL,
  conforencoding int4 NOT NULL, contoencoding int4 NOT NULL, conproc oid NOT NULL, condefault bool NOT NULL
);

CREATE VIEW pg_cursors /* 12077 */ (
  name text, statement text, is_holdable bool, is_binary bool, is_scrollable bool, creation_time timestamptz
);

CREATE TABLE pg_database /* 1262 */ (
  oid oid NOT NULL, datname name NOT NULL, datdba oid NOT NULL, encoding int4 NOT NULL,
  datlocprovider "char" NOT NULL, datistemplate bool NOT NULL, datallowconn bool NOT NULL, datconnlimit int4 NOT NULL,
  datfrozenxid oid NOT NULL, datminmxid oid NOT NULL, dattablespace oid NOT NULL, datcollate text NOT NULL,
  datctype text NOT NULL, daticulocale text, datcollversion text, datacl text[]
);

CREATE TABLE pg_db_role_setting /* 2964 */ (
  setdatabase oid NOT NULL, setrole oid NOT NULL, setconfig text[]
);

CREATE TABLE pg_default_acl /* 826 */ (
  oid oid NOT NULL, defaclrole oid NOT NULL, defaclnamespace oid NOT NULL, defaclobjtype "char" NOT NULL,
  defaclacl text[] NOT NULL
);

CREATE TABLE pg_depend /* 2608 */ (
  classid oid NOT NULL, objid oid NOT NULL, objsubid int4 NOT NULL, refclassid oid NOT NULL, refobjid oid NOT NULL,
  refobjsubid int4 NOT NULL, deptype "char" NOT NULL
);

CREATE TABLE pg_description /* 2609 */ (
  objoid oid NOT NULL, classoid oid NOT NULL, objsubid int4 NOT NULL, description text NOT NULL
);

CREATE TABLE pg_enum /* 3501 */ (
  oid oid NOT NULL, enumtypid oid NOT NULL, enumsortorder float4 NOT NULL, enumlabel name NOT NULL
);

CREATE TABLE pg_event_trigger /* 3466 */ (
  oid oid NOT NULL, evtname name NOT NULL, evtevent name NOT NULL, evtowner oid NOT NULL, evtfoid oid NOT NULL,
  evtenabled "char" NOT NULL, evttags text[]
);

CREATE TABLE pg_extension /* 3079 */ (
  oid oid NOT NULL, extname name NOT NULL, extowner oid NOT NULL, extnamespace oid NOT NULL,
  extrelocatable bool NOT NULL, extversion text NOT NULL, extconfig oid[], extcondition text[]
);

CREATE VIEW pg_file_settings /* 12110 */ (
  sourcefile text, sourceline int4, seqno int4, name text, setting text, applied bool, error text
);

CREATE TABLE pg_foreign_data_wrapper /* 2328 */ (
  oid oid NOT NULL, fdwname name NOT NULL, fdwowner oid NOT NULL, fdwhandler oid NOT NULL, fdwvalidator oid NOT NULL,
  fdwacl text[], fdwoptions text[]
);

CREATE TABLE pg_foreign_server /* 1417 */ (
  oid oid NOT NULL, srvname name NOT NULL, srvowner oid NOT NULL, srvfdw oid NOT NULL, srvtype text, srvversion text,
  srvacl text[], srvoptions text[]
);

CREATE TABLE pg_foreign_table /* 3118 */ (
  ftrelid oid NOT NULL, ftserver oid NOT NULL, ftoptions text[]
);

CREATE VIEW pg_group /* 12010 */ (
  groname name, grosysid oid, grolist oid[]
);

CREATE VIEW pg_hba_file_rules /* 12114 */ (
  line_number int4, type text, database text[], user_name text[], address text, netmask text, auth_method text,
  options text[], error text
);

CREATE VIEW pg_ident_file_mappings /* 12118 */ (
  line_number int4, map_name text, sys_name text, pg_username text, error text
);

CREATE TABLE pg_index /* 2610 */ (
  indexrelid oid NOT NULL, indrelid oid NOT NULL, indnatts int2 NOT NULL, indnkeyatts int2 NOT NULL,
  indisunique bool NOT NULL, indnullsnotdistinct bool NOT NULL, indisprimary bool NOT NULL,
  indisexclusion bool NOT NULL, indimmediate bool NOT NULL, indisclustered bool NOT NULL, indisvalid bool NOT NULL,
  indcheckxmin bool NOT NULL, indisready bool NOT NULL, indislive bool NOT NULL, indisreplident bool NOT NULL,
  indkey int2vector NOT NULL, indcollation oidvector NOT NULL, indclass oidvector NOT NULL, indoption int2vector NOT NULL,
  indexprs text, indpred text
);

CREATE VIEW pg_indexes /* 12043 */ (
  schemaname name, tablename name, indexname name, tablespace name, indexdef text
);

CREATE TABLE pg_inherits /* 2611 */ (
  inhrelid oid NOT NULL, inhparent oid NOT NULL, inhseqno int4 NOT NULL, inhdetachpending bool NOT NULL
);

CREATE TABLE pg_init_privs /* 3394 */ (
  objoid oid NOT NULL, classoid oid NOT NULL, objsubid int4 NOT NULL, privtype "char" NOT NULL,
  initprivs text[] NOT NULL
);

CREATE TABLE pg_language /* 2612 */ (
  oid oid NOT NULL, lanname name NOT NULL, lanowner oid NOT NULL, lanispl bool NOT NULL, lanpltrusted bool NOT NULL,
  lanplcallfoid oid NOT NULL, laninline oid NOT NULL, lanvalidator oid NOT NULL, lanacl text[]
);

CREATE TABLE pg_largeobject /* 2613 */ (
  loid oid NOT NULL, pageno int4 NOT NULL, data bytea NOT NULL
);

CREATE TABLE pg_largeobject_metadata /* 2995 */ (
  oid oid NOT NULL, lomowner oid NOT NULL, lomacl text[]
);

CREATE VIEW pg_locks /* 12073 */ (
  locktype text, database oid, relation oid, page int4, tuple int2, virtualxid text, transactionid oid, classid oid,
  objid oid, objsubid int2, virtualtransaction text, pid int4, mode text, granted bool, fastpath bool,
  waitstart timestamptz
);

CREATE VIEW pg_matviews /* 12038 */ (
  schemaname name, matviewname name, matviewowner name, tablespace name, hasindexes bool, ispopulated bool,
  definition text
);

CREATE TABLE pg_namespace /* 2615 */ (
  oid oid NOT NULL, nspname name NOT NULL, nspowner oid NOT NULL, nspacl text[]
);

CREATE TABLE pg_opclass /* 2616 */ (
  oid oid NOT NULL, opcmethod oid NOT NULL, opcname name NOT NULL, opcnamespace oid NOT NULL, opcowner oid NOT NULL,
  opcfamily oid NOT NULL, opcintype oid NOT NULL, opcdefault bool NOT NULL, opckeytype oid NOT NULL
);

CREATE TABLE pg_operator /* 2617 */ (
  oid oid NOT NULL, oprname name NOT NULL, oprnamespace oid NOT NULL, oprowner oid NOT NULL, oprkind "char" NOT NULL,
  oprcanmerge bool NOT NULL, oprcanhash bool NOT NULL, oprleft oid NOT NULL, oprright oid NOT NULL,
  oprresult oid NOT NULL, oprcom oid NOT NULL, oprnegate oid NOT NULL, oprcode oid NOT NULL, oprrest oid NOT NULL,
  oprjoin oid NOT NULL
);

CREATE TABLE pg_opfamily /* 2753 */ (
  oid oid NOT NULL, opfmethod oid NOT NULL, opfname name NOT NULL, opfnamespace oid NOT NULL, opfowner oid NOT NULL
);

CREATE TABLE pg_parameter_acl /* 6243 */ (
  oid oid NOT NULL, parname text NOT NULL, paracl text[]
);

CREATE TABLE pg_partitioned_table /* 3350 */ (
  partrelid oid NOT NULL, partstrat "char" NOT NULL, partnatts int2 NOT NULL, partdefid oid NOT NULL,
  partattrs int2[] NOT NULL, partclass oid[] NOT NULL, partcollation oid[] NOT NULL, partexprs text
);

CREATE VIEW pg_policies /* 12018 */ (
  schemaname name, tablename name, policyname name, permissive text, roles name[], cmd text, qual text,
  with_check text
);

CREATE TABLE pg_policy /* 3256 */ (
  oid oid NOT NULL, polname name NOT NULL, polrelid oid NOT NULL, polcmd "char" NOT NULL, polpermissive bool NOT NULL,
  polroles oid[] NOT NULL, polqual text, polwithcheck text
);

CREATE VIEW pg_prepared_statements /* 12095 */ (
  name text, statement text, prepare_time timestamptz, parameter_types oid[], from_sql bool, generic_plans int8,
  custom_plans int8
);

CREATE VIEW pg_prepared_xacts /* 12090 */ (
  transaction oid, gid text, prepared timestamptz, owner name, database name
);

CREATE TABLE pg_proc /* 1255 */ (
  oid oid NOT NULL, proname name NOT NULL, pronamespace oid NOT NULL, proowner oid NOT NULL, prolang oid NOT NULL,
  procost float4 NOT NULL, prorows float4 NOT NULL, provariadic oid NOT NULL, prosupport oid NOT NULL,
  prokind "char" NOT NULL, prosecdef bool NOT NULL, proleakproof bool NOT NULL, proisstrict bool NOT NULL,
  proretset bool NOT NULL, provolatile "char" NOT NULL, proparallel "char" NOT NULL, pronargs int2 NOT NULL,
  pronargdefaults int2 NOT NULL, prorettype oid NOT NULL, proargtypes oidvector NOT NULL, proallargtypes oid[],
  proargmodes text[], proargnames text[], proargdefaults text, protrftypes oid[], prosrc text NOT NULL, probin text,
  prosqlbody text, proconfig text[], proacl text[]
);

CREATE TABLE pg_publication /* 6104 */ (
  oid oid NOT NULL, pubname name NOT NULL, pubowner oid NOT NULL, puballtables bool NOT NULL, pubinsert bool NOT NULL,
  pubupdate bool NOT NULL, pubdelete bool NOT NULL, pubtruncate bool NOT NULL, pubviaroot bool NOT NULL
);

CREATE TABLE pg_publication_namespace /* 6237 */ (
  oid oid NOT NULL, pnpubid oid NOT NULL, pnnspid oid NOT NULL
);

CREATE TABLE pg_publication_rel /* 6106 */ (
  oid oid NOT NULL, prpubid oid NOT NULL, prrelid oid NOT NULL, prqual text, prattrs int2[]
);

CREATE VIEW pg_publication_tables /* 12068 */ (
  pubname name, schemaname name, tablename name, attnames name[], rowfilter text
);

CREATE TABLE pg_range /* 3541 */ (
  rngtypid oid NOT NULL, rngsubtype oid NOT NULL, rngmultitypid oid NOT NULL, rngcollation oid NOT NULL,
  rngsubopc oid NOT NULL, rngcanonical oid NOT NULL, rngsubdiff oid NOT NULL
);

CREATE TABLE pg_replication_origin /* 6000 */ (
  roident oid NOT NULL, roname text NOT NULL
);

CREATE VIEW pg_replication_origin_status /* 12332 */ (
  local_id oid, external_id text, remote_lsn text, local_lsn text
);

CREATE VIEW pg_replication_slots /* 12257 */ (
  slot_name name, plugin name, slot_type text, datoid oid, database name, temporary bool, active bool,
  active_pid int4, xmin oid, catalog_xmin oid, restart_lsn text, confirmed_flush_lsn text, wal_status text,
  safe_wal_size int8, two_phase bool
);

CREATE TABLE pg_rewrite /* 2618 */ (
  oid oid NOT NULL, rulename name NOT NULL, ev_class oid NOT NULL, ev_type "char" NOT NULL,
  ev_enabled "char" NOT NULL, is_instead bool NOT NULL, ev_qual text NOT NULL, ev_action text NOT NULL
);

CREATE VIEW pg_roles /* 12000 */ (
  rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, rolcanlogin bool,
  rolreplication bool, rolconnlimit int4, rolpassword text, rolvaliduntil timestamptz, rolbypassrls bool,
  rolconfig text[], oid oid
);

CREATE VIEW pg_rules /* 12023 */ (
  schemaname name, tablename name, rulename name, definition text
);

CREATE TABLE pg_seclabel /* 3596 */ (
  objoid oid NOT NULL, classoid oid NOT NULL, objsubid int4 NOT NULL, provider text NOT NULL, label text NOT NULL
);

CREATE VIEW pg_seclabels /* 12099 */ (
  objoid oid, classoid oid, objsubid int4, objtype text, objnamespace oid, objname text, provider text, label text
);

CREATE TABLE pg_sequence /* 2224 */ (
  seqrelid oid NOT NULL, seqtypid oid NOT NULL, seqstart int8 NOT NULL, seqincrement int8 NOT NULL,
  seqmax int8 NOT NULL, seqmin int8 NOT NULL, seqcache int8 NOT NULL, seqcycle bool NOT NULL
);

CREATE VIEW pg_sequences /* 12048 */ (
  schemaname name, sequencename name, sequenceowner name, data_type oid, start_value int8, min_value int8,
  max_value int8, increment_by int8, cycle bool, cache_size int8, last_value int8
);

CREATE VIEW pg_settings /* 12104 */ (
  name text, setting text, unit text, category text, short_desc text, extra_desc text, context text, vartype text,
  source text, min_val text, max_val text, enumvals text[], boot_val text, reset_val text, sourcefile text,
  sourceline int4, pending_restart bool
);

CREATE VIEW pg_shadow /* 12005 */ (
  usename name, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, usebypassrls bool, passwd text,
  valuntil timestamptz, useconfig text[]
);

CREATE TABLE pg_shdepend /* 1214 */ (
  dbid oid NOT NULL, classid oid NOT NULL, objid oid NOT NULL, objsubid int4 NOT NULL, refclassid oid NOT NULL,
  refobjid oid NOT NULL, deptype "char" NOT NULL
);

CREATE TABLE pg_shdescription /* 2396 */ (
  objoid oid NOT NULL, classoid oid NOT NULL, description text NOT NULL
);

CREATE VIEW pg_shmem_allocations /* 12134 */ (
  name text, off int8, size int8, allocated_size int8
);

CREATE TABLE pg_shseclabel /* 3592 */ (
  objoid oid NOT NULL, classoid oid NOT NULL, provider text NOT NULL, label text NOT NULL
);

CREATE VIEW pg_stat_activity /* 12222 */ (
  datid oid, datname name, pid int4, leader_pid int4, usesysid oid, usename name, application_name text,
  client_addr text, client_hostname text, client_port int4, backend_start timestamptz, xact_start timestamptz,
  query_start timestamptz, state_change timestamptz, wait_event_type text, wait_event text, state text,
  backend_xid oid, backend_xmin oid, query_id int8, query text, backend_type text
);

CREATE VIEW pg_stat_all_indexes /* 12183 */ (
  relid oid, indexrelid oid, schemaname name, relname name, indexrelname name, idx_scan int8, idx_tup_read int8,
  idx_tup_fetch int8
);

CREATE VIEW pg_stat_all_tables /* 12142 */ (
  relid oid, schemaname name, relname name, seq_scan int8, seq_tup_read int8, idx_scan int8, idx_tup_fetch int8,
  n_tup_ins int8, n_tup_upd int8, n_tup_del int8, n_tup_hot_upd int8, n_live_tup int8, n_dead_tup int8,
  n_mod_since_analyze int8, n_ins_since_vacuum int8, last_vacuum timestamptz, last_autovacuum timestamptz,
  last_analyze timestamptz, last_autoanalyze timestamptz, vacuum_count int8, autovacuum_count int8,
  analyze_count int8, autoanalyze_count int8
);

CREATE VIEW pg_stat_archiver /* 12285 */ (
  archived_count int8, last_archived_wal text, last_archived_time timestamptz, failed_count int8,
  last_failed_wal text, last_failed_time timestamptz, stats_reset timestamptz
);

CREATE VIEW pg_stat_bgwriter /* 12289 */ (
  checkpoints_timed int8, checkpoints_req int8, checkpoint_write_time float8, checkpoint_sync_time float8,
  buffers_checkpoint int8, buffers_clean int8, maxwritten_clean int8, buffers_backend int8,
  buffers_backend_fsync int8, buffers_alloc int8, stats_reset timestamptz
);

CREATE VIEW pg_stat_database /* 12266 */ (
  datid oid, datname name, numbackends int4, xact_commit int8, xact_rollback int8, blks_read int8, blks_hit int8,
  tup_returned int8, tup_fetched int8, tup_inserted int8, tup_updated int8, tup_deleted int8, conflicts int8,
  temp_files int8, temp_bytes int8, deadlocks int8, checksum_failures int8, checksum_last_failure timestamptz,
  blk_read_time float8, blk_write_time float8, session_time float8, active_time float8,
  idle_in_transaction_time float8, sessions int8, sessions_abandoned int8, sessions_fatal int8, sessions_killed int8,
  stats_reset timestamptz
);

CREATE VIEW pg_stat_database_conflicts /* 12271 */ (
  datid oid, datname name, confl_tablespace int8, confl_lock int8, confl_snapshot int8, confl_bufferpin int8,
  confl_deadlock int8
);

CREATE VIEW pg_stat_gssapi /* 12253 */ (
  pid int4, gss_authenticated bool, principal text, encrypted bool
);

CREATE VIEW pg_stat_progress_analyze /* 12297 */ (
  pid int4, datid oid, datname name, relid oid, phase text, sample_blks_total int8, sample_blks_scanned int8,
  ext_stats_total int8, ext_stats_computed int8, child_tables_total int8, child_tables_done int8,
  current_child_table_relid oid
);

CREATE VIEW pg_stat_progress_basebackup /* 12317 */ (
  pid int4, phase text, backup_total int8, backup_streamed int8, tablespaces_total int8, tablespaces_streamed int8
);

CREATE VIEW pg_stat_progress_cluster /* 12307 */ (
  pid int4, datid oid, datname name, relid oid, command text, phase text, cluster_index_relid oid,
  heap_tuples_scanned int8, heap_tuples_written int8, heap_blks_total int8, heap_blks_scanned int8,
  index_rebuild_count int8
);

CREATE VIEW pg_stat_progress_copy /* 12322 */ (
  pid int4, datid oid, datname name, relid oid, command text, type text, bytes_processed int8, bytes_total int8,
  tuples_processed int8, tuples_excluded int8
);

CREATE VIEW pg_stat_progress_create_index /* 12312 */ (
  pid int4, datid oid, datname name, relid oid, index_relid oid, command text, phase text, lockers_total int8,
  lockers_done int8, current_locker_pid int8, blocks_total int8, blocks_done int8, tuples_total int8,
  tuples_done int8, partitions_total int8, partitions_done int8
);

CREATE VIEW pg_stat_progress_vacuum /* 12302 */ (
  pid int4, datid oid, datname name, relid oid, phase text, heap_blks_total int8, heap_blks_scanned int8,
  heap_blks_vacuumed int8, index_vacuum_count int8, max_dead_tuples int8, num_dead_tuples int8
);

CREATE VIEW pg_stat_recovery_prefetch /* 12240 */ (
  stats_reset timestamptz, prefetch int8, hit int8, skip_init int8, skip_new int8, skip_fpw int8, skip_rep int8,
  wal_distance int4, block_distance int4, io_depth int4
);

CREATE VIEW pg_stat_replication /* 12227 */ (
  pid int4, usesysid oid, usename name, application_name text, client_addr text, client_hostname text,
  client_port int4, backend_start timestamptz, backend_xmin oid, state text, sent_lsn text, write_lsn text,
  flush_lsn text, replay_lsn text, write_lag interval, flush_lag interval, replay_lag interval, sync_priority int4,
  sync_state text, reply_time timestamptz
);

CREATE VIEW pg_stat_replication_slots /* 12262 */ (
  slot_name text, spill_txns int8, spill_count int8, spill_bytes int8, stream_txns int8, stream_count int8,
  stream_bytes int8, total_txns int8, total_bytes int8, stats_reset timestamptz
);

CREATE VIEW pg_stat_slru /* 12232 */ (
  name text, blks_zeroed int8, blks_hit int8, blks_read int8, blks_written int8, blks_exists int8, flushes int8,
  truncates int8, stats_reset timestamptz
);

CREATE VIEW pg_stat_ssl /* 12249 */ (
  pid int4, ssl bool, version text, cipher text, bits int4, client_dn text, client_serial numeric, issuer_dn text
);

CREATE VIEW pg_stat_subscription /* 12244 */ (
  subid oid, subname name, pid int4, relid oid, received_lsn text, last_msg_send_time timestamptz,
  last_msg_receipt_time timestamptz, latest_end_lsn text, latest_end_time timestamptz
);

CREATE VIEW pg_stat_subscription_stats /* 12336 */ (
  subid oid, subname name, apply_error_count int8, sync_error_count int8, stats_reset timestamptz
);

CREATE VIEW pg_stat_sys_indexes /* 12188 */ (
  relid oid, indexrelid oid, schemaname name, relname name, indexrelname name, idx_scan int8, idx_tup_read int8,
  idx_tup_fetch int8
);

CREATE VIEW pg_stat_sys_tables /* 12152 */ (
  relid oid, schemaname name, relname name, seq_scan int8, seq_tup_read int8, idx_scan int8, idx_tup_fetch int8,
  n_tup_ins int8, n_tup_upd int8, n_tup_del int8, n_tup_hot_upd int8, n_live_tup int8, n_dead_tup int8,
  n_mod_since_analyze int8, n_ins_since_vacuum int8, last_vacuum timestamptz, last_autovacuum timestamptz,
  last_analyze timestamptz, last_autoanalyze timestamptz, vacuum_count int8, autovacuum_count int8,
  analyze_count int8, autoanalyze_count int8
);

CREATE VIEW pg_stat_user_functions /* 12275 */ (
  funcid oid, schemaname name, funcname name, calls int8, total_time float8, self_time float8
);

CREATE VIEW pg_stat_user_indexes /* 12192 */ (
  relid oid, indexrelid oid, schemaname name, relname name, indexrelname name, idx_scan int8, idx_tup_read int8,
  idx_tup_fetch int8
);

CREATE VIEW pg_stat_user_tables /* 12161 */ (
  relid oid, schemaname name, relname name, seq_scan int8, seq_tup_read int8, idx_scan int8, idx_tup_fetch int8,
  n_tup_ins int8, n_tup_upd int8, n_tup_del int8, n_tup_hot_upd int8, n_live_tup int8, n_dead_tup int8,
  n_mod_since_analyze int8, n_ins_since_vacuum int8, last_vacuum timestamptz, last_autovacuum timestamptz,
  last_analyze timestamptz, last_autoanalyze timestamptz, vacuum_count int8, autovacuum_count int8,
  analyze_count int8, autoanalyze_count int8
);

CREATE VIEW pg_stat_wal /* 12293 */ (
  wal_records int8, wal_fpi int8, wal_bytes numeric, wal_buffers_full int8, wal_write int8, wal_sync int8,
  wal_write_time float8, wal_sync_time float8, stats_reset timestamptz
);

CREATE VIEW pg_stat_wal_receiver /* 12236 */ (
  pid int4, status text, receive_start_lsn text, receive_start_tli int4, written_lsn text, flushed_lsn text,
  received_tli int4, last_msg_send_time timestamptz, last_msg_receipt_time timestamptz, latest_end_lsn text,
  latest_end_time timestamptz, slot_name text, sender_host text, sender_port int4, conninfo text
);

CREATE VIEW pg_stat_xact_all_tables /* 12147 */ (
  relid oid, schemaname name, relname name, seq_scan int8, seq_tup_read int8, idx_scan int8, idx_tup_fetch int8,
  n_tup_ins int8, n_tup_upd int8, n_tup_del int8, n_tup_hot_upd int8
);

CREATE VIEW pg_stat_xact_sys_tables /* 12157 */ (
  relid oid, schemaname name, relname name, seq_scan int8, seq_tup_read int8, idx_scan int8, idx_tup_fetch int8,
  n_tup_ins int8, n_tup_upd int8, n_tup_del int8, n_tup_hot_upd int8
);

CREATE VIEW pg_stat_xact_user_functions /* 12280 */ (
  funcid oid, schemaname name, funcname name, calls int8, total_time float8, self_time float8
);

CREATE VIEW pg_stat_xact_user_tables /* 12166 */ (
  relid oid, schemaname name, relname name, seq_scan int8, seq_tup_read int8, idx_scan int8, idx_tup_fetch int8,
  n_tup_ins int8, n_tup_upd int8, n_tup_del int8, n_tup_hot_upd int8
);

CREATE VIEW pg_statio_all_indexes /* 12196 */ (
  relid oid, indexrelid oid, schemaname name, relname name, indexrelname name, idx_blks_read int8, idx_blks_hit int8
);

CREATE VIEW pg_statio_all_sequences /* 12209 */ (
  relid oid, schemaname name, relname name, blks_read int8, blks_hit int8
);

CREATE VIEW pg_statio_all_tables /* 12170 */ (
  relid oid, schemaname name, relname name, heap_blks_read int8, heap_blks_hit int8, idx_blks_read int8,
  idx_blks_hit int8, toast_blks_read int8, toast_blks_hit int8, tidx_blks_read int8, tidx_blks_hit int8
);

CREATE VIEW pg_statio_sys_indexes /* 12201 */ (
  relid oid, indexrelid oid, schemaname name, relname name, indexrelname name, idx_blks_read int8, idx_blks_hit int8
);

CREATE VIEW pg_statio_sys_sequences /* 12214 */ (
  relid oid, schemaname name, relname name, blks_read int8, blks_hit int8
);

CREATE VIEW pg_statio_sys_tables /* 12175 */ (
  relid oid, schemaname name, relname name, heap_blks_read int8, heap_blks_hit int8, idx_blks_read int8,
  idx_blks_hit int8, toast_blks_read int8, toast_blks_hit int8, tidx_blks_read int8, tidx_blks_hit int8
);

CREATE VIEW pg_statio_user_indexes /* 12205 */ (
  relid oid, indexrelid oid, schemaname name, relname name, indexrelname name, idx_blks_read int8, idx_blks_hit int8
);

CREATE VIEW pg_statio_user_sequences /* 12218 */ (
  relid oid, schemaname name, relname name, blks_read int8, blks_hit int8
);

CREATE VIEW pg_statio_user_tables /* 12179 */ (
  relid oid, schemaname name, relname name, heap_blks_read int8, heap_blks_hit int8, idx_blks_read int8,
  idx_blks_hit int8, toast_blks_read int8, toast_blks_hit int8, tidx_blks_read int8, tidx_blks_hit int8
);

CREATE TABLE pg_statistic /* 2619 */ (
  starelid oid NOT NULL, staattnum int2 NOT NULL, stainherit bool NOT NULL, stanullfrac float4 NOT NULL,
  stawidth int4 NOT NULL, stadistinct float4 NOT NULL, stakind1 int2 NOT NULL, stakind2 int2 NOT NULL,
  stakind3 int2 NOT NULL, stakind4 int2 NOT NULL, stakind5 int2 NOT NULL, staop1 oid NOT NULL, staop2 oid NOT NULL,
  staop3 oid NOT NULL, staop4 oid NOT NULL, staop5 oid NOT NULL, stacoll1 oid NOT NULL, stacoll2 oid NOT NULL,
  stacoll3 oid NOT NULL, stacoll4 oid NOT NULL, stacoll5 oid NOT NULL, stanumbers1 float4[], stanumbers2 float4[],
  stanumbers3 float4[], stanumbers4 float4[], stanumbers5 float4[], stavalues1 text, stavalues2 text, stavalues3 text,
  stavalues4 text, stavalues5 text
);

CREATE TABLE pg_statistic_ext /* 3381 */ (
  oid oid NOT NULL, stxrelid oid NOT NULL, stxname name NOT NULL, stxnamespace oid NOT NULL, stxowner oid NOT NULL,
  stxstattarget int4 NOT NULL, stxkeys int2[] NOT NULL, stxkind text[] NOT NULL, stxexprs text
);

CREATE TABLE pg_statistic_ext_data /* 3429 */ (
  stxoid oid NOT NULL, stxdinherit bool NOT NULL, stxdndistinct text, stxddependencies text, stxdmcv text,
  stxdexpr text[]
);

CREATE VIEW pg_stats /* 12053 */ (
  schemaname name, tablename name, attname name, inherited bool, null_frac float4, avg_width int4, n_distinct float4,
  most_common_vals text, most_common_freqs float4[], histogram_bounds text, correlation float4,
  most_common_elems text, most_common_elem_freqs float4[], elem_count_histogram float4[]
);

CREATE VIEW pg_stats_ext /* 12058 */ (
  schemaname name, tablename name, statistics_schemaname name, statistics_name name, statistics_owner name,
  attnames name[], exprs text[], kinds text[], inherited bool, n_distinct text, dependencies text,
  most_common_vals text[], most_common_val_nulls boolean[], most_common_freqs double precision[],
  most_common_base_freqs double precision[]
);

CREATE VIEW pg_stats_ext_exprs /* 12063 */ (
  schemaname name, tablename name, statistics_schemaname name, statistics_name name, statistics_owner name, expr text,
  inherited bool, null_frac float4, avg_width int4, n_distinct float4, most_common_vals text,
  most_common_freqs float4[], histogram_bounds text, correlation float4, most_common_elems text,
  most_common_elem_freqs float4[], elem_count_histogram float4[]
);

CREATE TABLE pg_subscription /* 6100 */ (
  oid oid NOT NULL, subdbid oid NOT NULL, subskiplsn text NOT NULL, subname name NOT NULL, subowner oid NOT NULL,
  subenabled bool NOT NULL, subbinary bool NOT NULL, substream bool NOT NULL, subtwophasestate "char" NOT NULL,
  subdisableonerr bool NOT NULL, subconninfo text NOT NULL, subslotname name, subsynccommit text NOT NULL,
  subpublications text[] NOT NULL
);

CREATE TABLE pg_subscription_rel /* 6102 */ (
  srsubid oid NOT NULL, srrelid oid NOT NULL, srsubstate "char" NOT NULL, srsublsn text
);

CREATE VIEW pg_tables /* 12033 */ (
  schemaname name, tablename name, tableowner name, tablespace name, hasindexes bool, hasrules bool, hastriggers bool,
  rowsecurity bool
);

CREATE TABLE pg_tablespace /* 1213 */ (
  oid oid NOT NULL, spcname name NOT NULL, spcowner oid NOT NULL, spcacl text[], spcoptions text[]
);

CREATE VIEW pg_timezone_abbrevs /* 12122 */ (
  abbrev text, utc_offset interval, is_dst bool
);

CREATE VIEW pg_timezone_names /* 12126 */ (
  name text, abbrev text, utc_offset interval, is_dst bool
);

CREATE TABLE pg_transform /* 3576 */ (
  oid oid NOT NULL, trftype oid NOT NULL, trflang oid NOT NULL, trffromsql oid NOT NULL, trftosql oid NOT NULL
);

CREATE TABLE pg_trigger /* 2620 */ (
  oid oid NOT NULL, tgrelid oid NOT NULL, tgparentid oid NOT NULL, tgname name NOT NULL, tgfoid oid NOT NULL,
  tgtype int2 NOT NULL, tgenabled "char" NOT NULL, tgisinternal bool NOT NULL, tgconstrrelid oid NOT NULL,
  tgconstrindid oid NOT NULL, tgconstraint oid NOT NULL, tgdeferrable bool NOT NULL, tginitdeferred bool NOT NULL,
  tgnargs int2 NOT NULL, tgattr int2vector NOT NULL, tgargs bytea NOT NULL, tgqual text, tgoldtable name, tgnewtable name
);

CREATE TABLE pg_ts_config /* 3602 */ (
  oid oid NOT NULL, cfgname name NOT NULL, cfgnamespace oid NOT NULL, cfgowner oid NOT NULL, cfgparser oid NOT NULL
);

CREATE TABLE pg_ts_config_map /* 3603 */ (
  mapcfg oid NOT NULL, maptokentype int4 NOT NULL, mapseqno int4 NOT NULL, mapdict oid NOT NULL
);

CREATE TABLE pg_ts_dict /* 3600 */ (
  oid oid NOT NULL, dictname name NOT NULL, dictnamespace oid NOT NULL, dictowner oid NOT NULL,
  dicttemplate oid NOT NULL, dictinitoption text
);

CREATE TABLE pg_ts_parser /* 3601 */ (
  oid oid NOT NULL, prsname name NOT NULL, prsnamespace oid NOT NULL, prsstart oid NOT NULL, prstoken oid NOT NULL,
  prsend oid NOT NULL, prsheadline oid NOT NULL, prslextype oid NOT NULL
);

CREATE TABLE pg_ts_template /* 3764 */ (
  oid oid NOT NULL, tmplname name NOT NULL, tmplnamespace oid NOT NULL, tmplinit oid NOT NULL, tmpllexize oid NOT NULL
);

CREATE TABLE pg_type /* 1247 */ (
  oid oid NOT NULL, typname name NOT NULL, typnamespace oid NOT NULL, typowner oid NOT NULL, typlen int2 NOT NULL,
  typbyval bool NOT NULL, typtype "char" NOT NULL, typcategory "char" NOT NULL, typispreferred bool NOT NULL,
  typisdefined bool NOT NULL, typdelim "char" NOT NULL, typrelid oid NOT NULL, typsubscript oid NOT NULL,
  typelem oid NOT NULL, typarray oid NOT NULL, typinput oid NOT NULL, typoutput oid NOT NULL, typreceive oid NOT NULL,
  typsend oid NOT NULL, typmodin oid NOT NULL, typmodout oid NOT NULL, typanalyze oid NOT NULL,
  typalign "char" NOT NULL, typstorage "char" NOT NULL, typnotnull bool NOT NULL, typbasetype oid NOT NULL,
  typtypmod int4 NOT NULL, typndims int4 NOT NULL, typcollation oid NOT NULL, typdefaultbin text, typdefault text,
  typacl text[]
);

CREATE VIEW pg_user /* 12014 */ (
  usename name, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, usebypassrls bool, passwd text,
  valuntil timestamptz, useconfig text[]
);

CREATE TABLE pg_user_mapping /* 1418 */ (
  oid oid NOT NULL, umuser oid NOT NULL, umserver oid NOT NULL, umoptions text[]
);

CREATE VIEW pg_user_mappings /* 12327 */ (
  umid oid, srvid oid, srvname name, umuser oid, usename name, umoptions text[]
);

CREATE VIEW pg_views /* 12028 */ (
  schemaname name, viewname name, viewowner name, definition text
);
