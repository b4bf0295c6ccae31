{{ config(materialized='incremental', incremental_strategy='merge', unique_key='customer',
          on_schema_change='append_new_columns') }}
select customer, spent {% if var('day') > 1 %}, last_order {% endif %} from {{ ref('customers') }}
