{{ config(materialized='ephemeral') }}
select * from {{ ref('raw_orders') }} where day <= {{ var('day') }}
