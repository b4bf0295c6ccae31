-- Statements that PostgreSQL refuses, one a line; `mistakes.rs` asks it and us.

-- 21000
select (select id from t)
select 1 where (select id from t) = 1
select (select k from l)

-- 22003
select 99999999999::int
select 2147483647 + 1
select 32767::smallint + 1::smallint
select power(10, 400)
select exp(1000)
select 10 ^ 400
select '99999'::smallint
select 300::smallint * 300::smallint
select 9223372036854775807 + 1
select -2147483648::int - 1

-- 22007
select 'x'::interval
select * from t where d = 'x'
select id::int::text::date from t where id = 1
select now() - 'x'
select d > 'abc' from t
select '12:00'::date
select 'abc'::timestamptz
select interval 'abc'
select date '2020-01-01' - interval '1 day' + 'x'

-- 22008
select '2024-13-01'::date
select '25:00'::time
select '2020-02-30'::timestamp
select '2020-01-01 25:00'::timestamp

-- 22011
select substring('abc', 1, -1)

-- 22012
select 1/0
select 1.0/0
select 1::float8/0
select 5 % 0
select 1 / 0.0
select mod(1, 0)
select 1.0 % 0

-- 22013
select sum(id) over (rows -1 preceding) from t

-- 2201E
select ln(0)
select ln(-1)
select log(0), log(-1)

-- 2201F
select sqrt(-1)
select power(0, -1)
select power(-1, 0.5)

-- 2201W
select id from t limit -1

-- 2201X
select id from t offset -1

-- 22023
select chr(-1)
select extract(nosuch from now())
select date_trunc('nosuch', now())
select * from generate_series(1, 3, 0)
select generate_series(1, 3, 0)
select jsonb_array_length('{"a":1}')
select jsonb_array_elements('1')
select json_object_keys('[1]')

-- 22P02
select * from t where 'x'
select array[1,'a']
select coalesce(1, 'x')
select 1 union select 'x'
select 1 in ('x')
select 1 between 'a' and 'b'
select cast('x' as int)
select 'x'::uuid
select '{'::json
select '{1,2'::int[]
select * from t where id = '1x'
select id = 'abc' from t
select id in ('a', 'b') from t
select id between 'a' and 'b' from t
select case id when 'a' then 1 end from t
select coalesce(id, 'abc') from t
select name::int from t
select 'abc'::bool
select 'a'::numeric
select '1.5'::int
select ''::int
select arr = '{a}' from t
select id = any('{a}') from t
select * from generate_series(1, 'a')
select jsonb_set('{}', 'a', '1')
select 'a' = 1
select 1 + 'a'
select 1.5 + 'a'
select interval '1 day' * 'a'
insert into t (id) values ('a')
update t set id = 'a'

-- 42601
select * from t join l
select 1, 2 union select 1
select * from (values (1, 2), (3)) v
select (select 1, 2)
select 1 in (select 1, 2)
select id over () from t
select *
select id from t where
selec 1
select 'abc
select 1 +
select (1
select 1)
select * from t where id = (select k, a from l)
select * from t where id in (select k, a from l)
select * from l join lateral (select l.k) q
select id from t union select k, a from l
select id from t order by id nulls
select id from t limit 1 limit 2
select "a
select $$a
select 1 as
select , 1
select 1 2
select * from
select * from t where
select * from t order
select * from t group
select (1, 2
select 1))
select case when 1 = 1 then 2
select case end
select * from t as
select * from t left
select * from t left join
select * from t cross join l on true
insert into t values (1, 2, 3, 4, 5, 6, 7)
insert into t (id) values (1, 2)

-- 42701
insert into t (id, id) values (1, 1)
create table t9 (id int, id int)

-- 42702
select k from l, r
select l.k from l join r on k = 1
select k from l, r where k = 1

-- 42703
select nosuch from t
select t.nosuch from t
select * from l join r using (nosuch)
select id from t order by nosuch
select id as x from t where x = 1
with recursive x as (select 1 union all select n + 1 from x) select * from x
select array_agg(id order by nosuch) from t
select 1 limit id
select (t).nosuch from t
select "select" from t
select nme from t
select t.nme from t
select "ID" from t
select * from t join l on id = kk
select * from t join l on t.id = l.id
select id from t where nme = 1
select id from t group by nme
select * from t where exists (select nosuch from l)
select * from l, lateral (select nosuch from r) q
select * from l join r using (k) join t using (k)
select id from t union select k from l order by nosuch
select distinct on (nosuch) id from t
select rank() over (order by nosuch) from t
select id from t group by rollup (nosuch)
with a as (select 1 as x) select y from a
with recursive r as (select 1 as n union all select n from r where nosuch) select * from r
insert into t (nosuch) values (1)
update t set nosuch = 1
delete from t where nosuch = 1
create view v9 as select nosuch from t

-- 42704
select name collate nosuch from t
select 'abc'::nosuch
select null::nosuch
select sum(id) over w from t
select current_setting('nosuch.x')
select cast(1 as nosuch)
create table t9 (id nosuch)

-- 42712
select * from t, t
select * from t a join l a on true
select * from t a, l a
with x as (select 1), x as (select 2) select * from x

-- 42803
select sum(count(*)) from t
select max(min(id)) from t
select id from t where sum(id) > 1
select id from t having id > 1
select id, count(*) from t
select id, count(*) from t group by name
select sum(id) filter (where sum(id) > 1) from t
select sum(row_number() over ()) from t
select id from t group by id order by name
select id from t having count(*) > 1
select sum(id), name from t
select name, sum(id) from t group by id
select t.name from t group by t.id
select max(id) from t where max(id) > 1
select id from t order by max(id)
select sum(id) over (partition by sum(id)) from t
select row_number() over (order by id) + sum(id) from t

-- 42804
select not 1
select * from t join l on 1
select * from t where 1
select * from t where name
select * from t having 1
select count(*) from t having id
select case when 1 then 2 end
select 1 and true
select true or 1
select 1 is true
select array[1, true]
select case when true then 1 else true end
select coalesce(1, true)
select greatest(1, true)
select 1 union select true
select * from (values (1), (true)) v
select id from t union select name from t
select id[1] from t
select name[1] from t
select not id from t
select not name from t
select id and true from t
select name or name from t
select id is true from t
select case when id then 1 end from t
select case when true then id else name end from t
select coalesce(id, name) from t
select greatest(id, name) from t
select array[id, name] from t
select id from t union select a from l
update t set id = name
delete from t where id

-- 42809
select count()
select count() from t
select lag(id) from t
select rank() from t
select abs(id) over () from t
select (1).x
select (arr).x from t
select ('{"a":1}'::jsonb).a

-- 42846
select cast(true as date)
select true::numeric
select 1.5::bool
select id::date from t
select d::int from t
select arr::int from t
select id::int[] from t
select true::int, true::bigint
select 1::bigint::bool

-- 42883
select nosuch(1)
select abs('x'::text)
select upper(1)
select substring(1, 2)
select 1 = 'x'::text
select 1 + true
select true + true
select 'a'::text + 1
select date '2024-01-01' + date '2024-01-01'
select - 'x'::text
select - true
select + true
select 1 || 2
select 1 like 2
select 1 ~ 'a'
select array[1,2] + 1
select case 1 when 'a'::text then 1 end
select 1 = any (select 'a'::text)
select 1 in (true)
select now(1)
select round(1, 2, 3)
select sum('a'::text)
select sum(true)
select avg(name) from t
select count(distinct id, name) from t
select string_agg(name) from t
select * from nosuch(1)
select unnest(1)
select * from t where d > 5
select * from t where id = name
select * from t where v = name
select * from t where arr = 1
select position(1 in 'a')
select trim(1)
select extract(day from 1)
select interval '1 day' + 1
select interval '1 day' * interval '1 day'
select time '10:00' + 1
select date '2024-01-01' * 2
select timestamp '2024-01-01' + timestamp '2024-01-01'
select 1 <=> 2
select 1 ~~ 'a'
select count(*) from t group by foo()
select foo(id) from t
select foo()
select foo('a', 1, null, 1.5, now())
select lower(id) from t
select upper(1, 2)
select lower()
select abs(name) from t
select sqrt(name) from t
select ceil(name) from t
select sum(name) from t
select avg(d) from t
select sum(arr) from t
select min() from t
select max(id, n) from t
select replace(1, 2, 3)
select split_part('a', 'b')
select strpos('a', 1)
select concat()
select repeat('a', 'b'::text)
select date_trunc('day', id) from t
select to_date(1, 'YYYY')
select to_char('a'::text, 'b')
select age(1)
select now() + 1
select d + name from t
select d = 1 from t
select id = name from t
select id || id from t
select name + 1 from t
select name - name from t
select -name from t
select id like 'a' from t
select name like 1 from t
select name ~ 1 from t
select id ~ 'a' from t
select id in (name) from t
select name in (1, 2) from t
select id between name and 5 from t
select case id when name then 1 end from t
select unnest(id) from t
select array_agg() from t
select array_length(id, 1) from t
select arr || name from t
select * from t where id = (select a from l)
select lag() over () from t
select percentile_cont(0.5) from t
select percentile_cont(0.5) within group (order by name) from t
select * from unnest(1)
select '{"a":1}'::jsonb + 1
select 'a'::text = 1
select 1 = true
select interval '1 day' = 1

-- 42P01
select x.id from t
select id from nosuch
select id from nosuch.t
select t.id from t as q
with x as (select 1) select * from y
select t.* from l
select id from tt
select id from public.tt
select id from nos.t
select x.* from t
select * from l, (select l.k) q
with a as (select 1 as x), b as (select x from c) select * from b
insert into nosuch values (1)
update nosuch set a = 1
delete from nosuch
drop table nosuch

-- 42P07
create table t (id int)

-- 42P10
select id from t order by 2
select id from t order by 0
select id from t group by 2
select distinct on (id) name from t order by name
select distinct id from t order by name
with x(a, b) as (select 1) select * from x
select * from (select 1) as q(a, b)
select * from t as q(a,b,c,d,e,f,g)
select * from (select k from l) q(a, b)
select id from t order by 5
select distinct on (id) id from t order by n
with a(x, y) as (select 1) select * from a

-- 42P20
select id from t where row_number() over () = 1
select row_number() over () from t group by row_number() over ()
select sum(id) over (order by id rows between 1 following and 1 preceding) from t
select id from t where rank() over () = 1
select count(*) over (rows between current row and unbounded preceding) from t
