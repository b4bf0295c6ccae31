{{ config(materialized='table', contract={'enforced': true}) }}
select c.customer, c.country, count(o.order_id) as orders, coalesce(sum(o.amount), 0)::numeric(10,2) as spent,
       max(o.ordered_on) as last_order
from {{ ref('countries') }} c
left join {{ ref('stg_orders') }} o on o.customer = c.customer
group by c.customer, c.country
