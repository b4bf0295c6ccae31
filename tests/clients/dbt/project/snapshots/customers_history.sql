{% snapshot customers_history %}
{{ config(unique_key='customer', strategy='check', check_cols=['orders', 'spent']) }}
select customer, orders, spent from {{ ref('customers') }}
{% endsnapshot %}
