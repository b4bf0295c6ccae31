"""Trains a model of every shape, and records what the library itself answers on real and adversarial rows.

    python train.py OUT [CASE]

Per case OUT gets a model file and a Parquet file: one column per input, and the library's answers beside them as
"@value", "@proba" and "@raw". OUT/cases.json lists the cases.
"""

import json
import os
import sys
import warnings

# One thread: small models, and machines that tests share.
os.environ["OMP_NUM_THREADS"] = "1"

import lightgbm as lgb
import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost as xgb
from onnx import TensorProto, helper, numpy_helper

warnings.filterwarnings("ignore")
OUT = sys.argv[1]
ONLY = sys.argv[2] if len(sys.argv) > 2 else ""
CASES = []
CATEGORIES = ["AA", "B6", "DL", "EV", "Überflug", ""]

# skl2onnx 1.20 gives numpy's booleans where onnx wants integers.
make_attribute = helper.make_attribute


def attribute(key, value, *rest, **more):
    if isinstance(value, list) and any(isinstance(v, (bool, np.bool_)) for v in value):
        value = [int(v) for v in value]
    return make_attribute(key, value, *rest, **more)


helper.make_attribute = attribute


# ---------------------------------------------------------------- rows


def features(rng, rows, width, missing=0.1):
    """Real rows: some columns with few distinct values, some with missing ones."""
    x = rng.normal(size=(rows, width))
    x[:, 0] = np.round(x[:, 0] * 2) / 2
    x[rng.random((rows, width)) < missing] = np.nan
    return x


def target(rng, x):
    z = np.nan_to_num(x)
    return z[:, 0] * 2 - z[:, 1] * np.abs(z[:, 2]) + (np.isnan(x[:, 1]) * 1.5) + rng.normal(size=len(x)) * 0.3


def neighbours(values):
    """Thresholds, rounded to f32, and what lies next to them in either width."""
    wide = np.asarray(values, dtype=np.float64)
    narrow = wide.astype(np.float32)
    near = [wide, narrow.astype(np.float64)]
    for towards in (-np.inf, np.inf):
        near.append(np.nextafter(wide, towards))
        near.append(np.nextafter(narrow, np.float32(towards)).astype(np.float64))
    return np.concatenate(near)


def adversarial(rng, rows, width, thresholds, infinite=True, missing=True):
    """Rows of values chosen to be awkward; `thresholds` are the model's own, by feature."""
    special = [0.0, -0.0, 5e-324, -5e-324, 1e-310, 1e-45, 1e-40, 1e-36, 1e-35, -1e-35, 1.1e-35, 1.0, -1.0, 1e30, -1e30, 16777217.0, 0.1, -0.5]
    special += [np.inf, -np.inf] if infinite else []
    special += [np.nan, np.nan] if missing else []
    x = np.empty((rows, width))
    for column in range(width):
        near = neighbours(thresholds.get(column, [0.0]))
        x[:, column] = np.where(rng.random(rows) < 0.6, rng.choice(near, rows), rng.choice(special, rows))
    return x


def save(name, format, model, columns, answers, text=(), integers=()):
    """`columns`: name to values. Every other missing value is a NULL, the rest NaN."""
    os.makedirs(OUT, exist_ok=True)
    with open(f"{OUT}/{name}.model", "wb") as file:
        file.write(model)
    arrays = {}
    for column, values in columns.items():
        if column in text:
            arrays[column] = pa.array([None if v is None or v != v else v for v in values], pa.string())
            continue
        values = np.asarray(values, dtype=np.int64 if column in integers else np.float64)
        null = np.isnan(values) & (np.arange(len(values)) % 2 == 0) if values.dtype.kind == "f" else None
        arrays[column] = pa.array(values, mask=null)
    for key, answer in answers.items():
        answer = np.asarray(answer)
        arrays[f"@{key}"] = pa.array(list(answer.astype(np.float64))) if answer.ndim == 2 else pa.array(answer)
    pq.write_table(pa.table(arrays), f"{OUT}/{name}.parquet")
    CASES.append({"name": name, "format": format, "answers": list(answers)})


def wanted(name):
    return ONLY in name


# ---------------------------------------------------------------- lightgbm


def lgb_thresholds(text):
    by_feature = {}
    features = []
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "split_feature":
            features = [int(v) for v in value.split()]
        if key == "threshold":
            for feature, threshold in zip(features, value.split()):
                by_feature.setdefault(feature, []).append(float(threshold))
    return by_feature


def lgb_save(name, booster, x, value=None, proba=None, rng=None, iterations=None):
    text = booster.model_to_string(num_iteration=iterations)
    width = booster.num_feature()
    rows = np.vstack([x[:300], adversarial(rng, 700, width, lgb_thresholds(text))])
    loaded = lgb.Booster(model_str=text)
    answers = {"raw": loaded.predict(rows, raw_score=True)}
    scores = loaded.predict(rows)
    if proba:
        answers["proba"] = scores
        # As LGBMClassifier.predict: the larger of 1 - p and p.
        both = scores if scores.ndim == 2 else np.vstack([1.0 - scores, scores]).T
        answers["value"] = np.argmax(both, axis=1).astype(np.int64)
    else:
        answers["value"] = scores
    save(name, "lightgbm", text.encode(), dict(zip(booster.feature_name(), rows.T)), answers)


def lightgbm_cases():
    rng = np.random.default_rng(1)
    x = features(rng, 1500, 6)
    y = target(rng, x)
    positive = np.exp(y / 4)
    three = np.digitize(y, [-1, 1])
    base = {"verbosity": -1, "num_leaves": 15, "seed": 3, "num_threads": 1, "deterministic": True, "min_data_in_leaf": 5}
    cases = {
        "regression": ({}, y),
        "regression_sqrt": ({"objective": "regression", "reg_sqrt": True}, y),
        "l1": ({"objective": "regression_l1"}, y),
        "huber": ({"objective": "huber"}, y),
        "fair": ({"objective": "fair"}, y),
        "quantile": ({"objective": "quantile", "alpha": 0.8}, y),
        "mape": ({"objective": "mape"}, y),
        "poisson": ({"objective": "poisson"}, positive),
        "gamma": ({"objective": "gamma"}, positive),
        "tweedie": ({"objective": "tweedie"}, positive),
        "cross_entropy": ({"objective": "cross_entropy"}, (y > 0) * 0.8),
        "cross_entropy_lambda": ({"objective": "cross_entropy_lambda"}, (y > 0) * 0.8),
        "binary": ({"objective": "binary"}, y > 0),
        "binary_sigmoid": ({"objective": "binary", "sigmoid": 1.7}, y > 0),
        "multiclass": ({"objective": "multiclass", "num_class": 3}, three),
        "multiclassova": ({"objective": "multiclassova", "num_class": 3, "sigmoid": 0.8}, three),
        "rf_binary": ({"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}, y > 0),
        "rf_regression": ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}, y),
        "dart": ({"boosting": "dart", "objective": "binary"}, y > 0),
        "goss": ({"data_sample_strategy": "goss"}, y),
        "zero_as_missing": ({"zero_as_missing": True}, y),
        "no_missing": ({"use_missing": False}, y),
        "deep": ({"num_leaves": 255, "min_data_in_leaf": 1}, y),
        "stumps": ({"num_leaves": 2}, y),
        "constant": ({"min_data_in_leaf": 100000}, y),
    }
    for name, (parameters, label) in cases.items():
        name = f"lightgbm_{name}"
        if wanted(name):
            data = lgb.Dataset(x, np.asarray(label, dtype=float), free_raw_data=False)
            booster = lgb.train({**base, **parameters}, data, 40)
            lgb_save(name, booster, x, rng=rng, proba=parameters.get("objective", "")[:6] in ("binary", "multic"))
    if wanted("lightgbm_lambdarank"):
        data = lgb.Dataset(x, np.digitize(y, [-1, 0, 1]), group=[15] * 100)
        lgb_save("lightgbm_lambdarank", lgb.train({**base, "objective": "lambdarank"}, data, 30), x, rng=rng)
    if wanted("lightgbm_early_stopping"):
        train, valid = lgb.Dataset(x[:300], y[:300]), lgb.Dataset(x[300:], y[300:])
        booster = lgb.train({**base, "learning_rate": 0.5}, train, 200, valid_sets=[valid], callbacks=[lgb.early_stopping(3, verbose=False)])
        lgb_save("lightgbm_early_stopping", booster, x, rng=rng, iterations=booster.best_iteration)
    if wanted("lightgbm_integer_codes"):
        codes = x.copy()
        codes[:, 3] = rng.integers(0, 40, len(x))
        booster = lgb.train({**base, "min_data_per_group": 5, "cat_smooth": 1}, lgb.Dataset(codes, y + (codes[:, 3] % 3), categorical_feature=[3]), 40)
        rows = np.vstack([codes[:300], adversarial(rng, 700, 6, lgb_thresholds(booster.model_to_string()))])
        rows[300:, 3] = rng.choice([-1, -0.5, -0.0, 0.5, 3, 3.99, 39, 40, 1e6, 1e9, 1e10, -1e10, np.inf, -np.inf, np.nan], 700)
        save("lightgbm_integer_codes", "lightgbm", booster.model_to_string().encode(), dict(zip(booster.feature_name(), rows.T)), {"value": booster.predict(rows)})
    for name in ("binary", "multiclass"):
        if wanted(f"lightgbm_pandas_{name}"):
            lgb_pandas(f"lightgbm_pandas_{name}", rng, base, {"objective": name, "num_class": 3 if name == "multiclass" else 1})


def frame(rng, rows, unseen):
    carriers = CATEGORIES + (["ZZ", "aa", None] if unseen else [])
    hours = [5, 6, 12, 23] + ([7, -1] if unseen else [])
    return pd.DataFrame({
        "distance": rng.normal(size=rows) * 500,
        "carrier": pd.Series(rng.choice(np.array(carriers, dtype=object), rows), dtype=object),
        "hour": rng.choice(hours, rows),
        "wind speed": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows)),
        "origin": pd.Series(rng.choice(np.array(["JFK", "EWR", "LGA"] + ([None] if unseen else []), dtype=object), rows), dtype=object),
    })


KNOWN = {"carrier": pd.CategoricalDtype(CATEGORIES), "hour": pd.CategoricalDtype([5, 6, 12, 23]), "origin": pd.CategoricalDtype(["EWR", "JFK", "LGA"])}


def lgb_pandas(name, rng, base, parameters):
    train = frame(rng, 2000, unseen=False)
    y = train["distance"] / 300 + train["carrier"].map({c: i for i, c in enumerate(CATEGORIES)}) * 0.5 + (train["hour"] == 12) * 2 + (train["origin"] == "JFK")
    label = np.digitize(y, [1.0, 3.0]) if parameters["num_class"] == 3 else (y > 2)
    booster = lgb.train({**base, **parameters, "min_data_per_group": 5}, lgb.Dataset(train.astype(KNOWN), label), 30)
    test = frame(rng, 800, unseen=True)
    scores = booster.predict(test.astype(KNOWN))
    both = scores if scores.ndim == 2 else np.vstack([1.0 - scores, scores]).T
    answers = {"proba": scores, "raw": booster.predict(test.astype(KNOWN), raw_score=True), "value": np.argmax(both, axis=1)}
    # LightGBM writes "wind speed" with an underscore.
    columns = {booster.feature_name()[i]: test[c].tolist() for i, c in enumerate(test.columns)}
    save(name, "lightgbm", booster.model_to_string().encode(), columns, answers, text=("carrier", "origin"))


# ---------------------------------------------------------------- xgboost


def xgb_thresholds(booster):
    by_feature = {}
    booster = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]
    for tree in booster.get("gbtree", booster)["model"].get("trees", []):
        for feature, threshold, left in zip(tree["split_indices"], tree["split_conditions"], tree["left_children"]):
            if left != -1:
                by_feature.setdefault(feature, []).append(threshold)
    return by_feature


def xgb_save(name, booster, x, rng, kind="json", proba=False, names=None, edit=None, value="scores", missing=True):
    raw = bytes(booster.save_raw(kind))
    if edit:
        raw = edit(raw)
        booster = xgb.Booster(model_file=bytearray(raw))
    rows = np.vstack([x[:300], adversarial(rng, 700, x.shape[1], xgb_thresholds(booster), infinite=False)])
    data = xgb.DMatrix(rows, feature_names=names)
    best = booster.attr("best_iteration")
    span = (0, int(best) + 1) if best is not None else (0, 0)
    scores = booster.predict(data, iteration_range=span)
    answers = {"raw": booster.predict(data, iteration_range=span, output_margin=True)}
    if proba and scores.ndim == 2:
        answers["proba"], answers["value"] = scores, np.argmax(scores, axis=1)
    elif proba:
        answers["proba"], answers["value"] = scores, (scores > 0.5).astype(np.int64)
    else:
        answers["value"] = scores
    if value == "index":
        answers["value"] = scores.astype(np.int64)
    save(name, "xgboost", raw, dict(zip(names or [f"f{i}" for i in range(x.shape[1])], rows.T)), answers)


def xgboost_cases():
    rng = np.random.default_rng(2)
    x = features(rng, 1500, 6)
    y = target(rng, x)
    positive = np.exp(y / 4)
    three = np.digitize(y, [-1, 1])
    base = {"max_depth": 5, "nthread": 1, "seed": 1, "eta": 0.2}
    cases = {
        "squarederror": ({}, y),
        "squaredlogerror": ({"objective": "reg:squaredlogerror"}, positive),
        "pseudohubererror": ({"objective": "reg:pseudohubererror"}, y),
        "absoluteerror": ({"objective": "reg:absoluteerror"}, y),
        "quantileerror": ({"objective": "reg:quantileerror", "quantile_alpha": 0.7}, y),
        "quantiles": ({"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}, y),
        "reg_logistic": ({"objective": "reg:logistic"}, y > 0),
        "binary": ({"objective": "binary:logistic"}, y > 0),
        "binary_base": ({"objective": "binary:logistic", "base_score": 0.3}, y > 0),
        "logitraw": ({"objective": "binary:logitraw"}, y > 0),
        "hinge": ({"objective": "binary:hinge"}, y > 0),
        "poisson": ({"objective": "count:poisson"}, positive),
        "gamma": ({"objective": "reg:gamma"}, positive),
        "tweedie": ({"objective": "reg:tweedie"}, positive),
        "cox": ({"objective": "survival:cox"}, positive),
        "softprob": ({"objective": "multi:softprob", "num_class": 3}, three),
        "softmax": ({"objective": "multi:softmax", "num_class": 3}, three),
        "forest": ({"num_parallel_tree": 10, "subsample": 0.7, "eta": 1.0}, y),
        "forest_softprob": ({"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 4, "subsample": 0.7}, three),
        "deep": ({"max_depth": 12, "min_child_weight": 0}, y),
        "lossguide": ({"tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 40, "max_depth": 0}, y),
        "dart": ({"booster": "dart", "rate_drop": 0.3, "objective": "binary:logistic"}, y > 0),
        "dart_softprob": ({"booster": "dart", "rate_drop": 0.3, "objective": "multi:softprob", "num_class": 3}, three),
        "gblinear": ({"booster": "gblinear"}, y),
        "gblinear_softprob": ({"booster": "gblinear", "objective": "multi:softprob", "num_class": 3}, three),
        "outputs": ({}, np.c_[y, positive]),
        "outputs_one_tree": ({"multi_strategy": "multi_output_tree"}, np.c_[y, positive]),
    }
    for name, (parameters, label) in cases.items():
        name = f"xgboost_{name}"
        if not wanted(name):
            continue
        if "linear" in name:
            parameters = {k: v for k, v in parameters.items()}
            booster = xgb.train({**parameters, "nthread": 1}, xgb.DMatrix(x, label), 20)
        else:
            booster = xgb.train({**base, **parameters}, xgb.DMatrix(x, label), 30)
        objective = parameters.get("objective", "")
        proba = objective.startswith(("binary:logistic", "binary:hinge", "multi:softprob"))
        value = "index" if objective == "multi:softmax" else "scores"
        xgb_save(name, booster, x, rng, kind="ubj" if len(name) % 2 else "json", proba=proba, value=value)
    if wanted("xgboost_rank"):
        data = xgb.DMatrix(x, np.digitize(y, [-1, 0, 1]))
        data.set_group([15] * 100)
        xgb_save("xgboost_rank", xgb.train({**base, "objective": "rank:ndcg"}, data, 20), x, rng)
    if wanted("xgboost_aft"):
        data = xgb.DMatrix(x)
        data.set_float_info("label_lower_bound", positive)
        data.set_float_info("label_upper_bound", positive * 2)
        xgb_save("xgboost_aft", xgb.train({**base, "objective": "survival:aft"}, data, 20), x, rng)
    if wanted("xgboost_early_stopping"):
        names = ["distance", "wind speed", "c", "d", "e", "temp"]
        train, valid = xgb.DMatrix(x[:300], three[:300], feature_names=names), xgb.DMatrix(x[300:], three[300:], feature_names=names)
        parameters = {**base, "eta": 0.9, "objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 2}
        booster = xgb.train(parameters, train, 100, evals=[(valid, "v")], early_stopping_rounds=4, verbose_eval=False)
        xgb_save("xgboost_early_stopping", booster, x, rng, proba=True, names=names)
    if wanted("xgboost_before_3"):
        # Until 3.0 the base score was one bare number.
        def older(raw):
            file = json.loads(raw)
            file["version"] = [2, 1, 4]
            file["learner"]["learner_model_param"]["base_score"] = "2.5E-1"
            file["learner"]["gradient_booster"]["model"].pop("cats", None)
            return json.dumps(file).encode()

        booster = xgb.train({**base, "objective": "binary:logistic"}, xgb.DMatrix(x, y > 0), 20)
        xgb_save("xgboost_before_3", booster, x, rng, proba=True, edit=older)
    if wanted("xgboost_codes"):
        codes = x.copy()
        codes[:, 3] = rng.integers(0, 40, len(x))
        types = ["q", "q", "q", "c", "q", "q"]
        booster = xgb.train({**base, "max_cat_to_onehot": 2}, xgb.DMatrix(codes, y + (codes[:, 3] % 3), feature_types=types, enable_categorical=True), 30)
        rows = np.vstack([codes[:300], adversarial(rng, 700, 6, xgb_thresholds(booster), infinite=False)])
        rows[300:, 3] = rng.choice([0, 3, 39, 40, 100, 5000, np.nan], 700)
        scores = booster.predict(xgb.DMatrix(rows, feature_types=types, enable_categorical=True))
        save("xgboost_codes", "xgboost", bytes(booster.save_raw("ubj")), {f"f{i}": rows[:, i] for i in range(6)}, {"value": scores})
    for kind in ("json", "ubj"):
        if wanted(f"xgboost_pandas_{kind}"):
            xgb_pandas(f"xgboost_pandas_{kind}", rng, base, kind)


def xgb_pandas(name, rng, base, kind):
    """In ASCII: XGBoost 3.2 cuts the names of other categories short when it saves them."""
    train = frame(rng, 2000, unseen=False).replace("Überflug", "UA")
    categories = [c.replace("Überflug", "UA") for c in CATEGORIES]
    known = {**KNOWN, "carrier": pd.CategoricalDtype(categories)}
    y = train["distance"] / 300 + train["carrier"].map({c: i for i, c in enumerate(categories)}) * 0.5 + (train["hour"] == 12) * 2 + (train["origin"] == "JFK")
    booster = xgb.train({**base, "objective": "binary:logistic", "max_cat_to_onehot": 2}, xgb.DMatrix(train.astype(known), y > 2, enable_categorical=True), 30)
    # XGBoost refuses categories that it has not seen, so only missing ones here.
    test = frame(rng, 800, unseen=False).replace("Überflug", "UA")
    test.loc[rng.random(800) < 0.1, "carrier"] = None
    test.loc[rng.random(800) < 0.1, "origin"] = None
    data = xgb.DMatrix(test.astype(known), enable_categorical=True)
    scores = booster.predict(data)
    answers = {"proba": scores, "raw": booster.predict(data, output_margin=True), "value": (scores > 0.5).astype(np.int64)}
    save(name, "xgboost", bytes(booster.save_raw(kind)), {c: test[c].tolist() for c in test.columns}, answers, text=("carrier", "origin"))


# ---------------------------------------------------------------- onnx


def onnx_thresholds(model):
    by_feature = {}
    for node in model.graph.node:
        lists = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        values = lists.get("nodes_values") or (numpy_helper.to_array(lists["nodes_values_as_tensor"]) if "nodes_values_as_tensor" in lists else [])
        for feature, value, mode in zip(lists.get("nodes_featureids", []), values, lists.get("nodes_modes", [])):
            if mode != b"LEAF":
                by_feature.setdefault(feature, []).append(float(value))
    return by_feature


def onnx_run(model, feed):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, feed)


def onnx_answers(outputs, classifier):
    if not classifier:
        value = np.asarray(outputs[0])
        return {"value": value[:, 0] if value.ndim == 2 and value.shape[1] == 1 else value}
    label, scores = outputs[0], outputs[1]
    if isinstance(scores, list):
        scores = np.array([list(row.values()) for row in scores])
    label = np.asarray(label).ravel()
    return {"value": label.astype(np.int64) if label.dtype.kind in "if" else label.astype(str), "proba": scores[:, -1] if scores.shape[1] == 2 else scores}


def onnx_save(name, model, x, rng, classifier=False, missing=True, infinite=True, wild=True, double=False):
    """A model with one tensor of numbers."""
    x = x[:300]
    rows = np.vstack([x, adversarial(rng, 700, x.shape[1], onnx_thresholds(model), infinite, missing)]) if wild else x
    dtype = np.float64 if double else np.float32
    outputs = onnx_run(model, {model.graph.input[0].name: rows.astype(dtype)})
    save(name, "onnx", model.SerializeToString(), {f"f{i}": rows[:, i] for i in range(x.shape[1])}, onnx_answers(outputs, classifier))


def sklearn_cases():
    from skl2onnx import to_onnx
    from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingClassifier, GradientBoostingRegressor, HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Binarizer, MinMaxScaler, Normalizer, StandardScaler
    from sklearn.svm import LinearSVC
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    rng = np.random.default_rng(3)
    gaps = features(rng, 800, 6)
    x = np.nan_to_num(gaps)
    y = target(rng, gaps)
    two, three = (y > 0).astype(int), np.digitize(y, [-1, 1])
    names = np.array(["early", "on time", "late"])[three]
    trees, plain, holes = {"missing": False}, {"wild": False}, {"wild": False, "gaps": True}
    cases = {
        "linear": (LinearRegression(), y, plain),
        "ridge_outputs": (Ridge(), np.c_[y, -y], plain),
        "logistic": (LogisticRegression(), two, plain),
        "logistic_multiclass": (LogisticRegression(), names, plain),
        "scaled_logistic": (make_pipeline(StandardScaler(), LogisticRegression()), two, plain),
        "imputed_logistic": (make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), names, holes),
        "minmax": (make_pipeline(MinMaxScaler(), LogisticRegression()), three, plain),
        "norm_l1": (make_pipeline(Normalizer("l1"), LogisticRegression()), two, plain),
        "norm_l2": (make_pipeline(Normalizer("l2"), LogisticRegression()), two, plain),
        "binarizer": (make_pipeline(Binarizer(threshold=0.2), LogisticRegression()), two, plain),
        "linear_svc": (LinearSVC(), three, plain),
        "tree": (DecisionTreeRegressor(max_depth=9), y, trees),
        "tree_classifier": (DecisionTreeClassifier(max_depth=6), names, trees),
        "forest": (RandomForestRegressor(20, max_depth=8), y, trees),
        "forest_outputs": (RandomForestRegressor(10, max_depth=6), np.c_[y, -y, y * y], trees),
        "forest_binary": (RandomForestClassifier(20, max_depth=8), two, trees),
        "forest_multiclass": (RandomForestClassifier(20, max_depth=8), names, trees),
        "extra_trees": (ExtraTreesRegressor(20, max_depth=8), y, trees),
        "boosted": (GradientBoostingRegressor(n_estimators=30), y, trees),
        "boosted_binary": (GradientBoostingClassifier(n_estimators=30), two, trees),
        "boosted_multiclass": (GradientBoostingClassifier(n_estimators=20), names, trees),
        "histogram": (HistGradientBoostingRegressor(max_iter=30), y, {"gaps": True}),
        "histogram_binary": (HistGradientBoostingClassifier(max_iter=30), two, {"gaps": True}),
        "histogram_multiclass": (HistGradientBoostingClassifier(max_iter=20), names, {"gaps": True}),
        "mlp": (make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(32, 16), max_iter=40)), y, plain),
        "mlp_binary": (MLPClassifier(hidden_layer_sizes=(24,), activation="tanh", max_iter=40), two, plain),
        "mlp_multiclass": (MLPClassifier(hidden_layer_sizes=(24, 12), activation="logistic", max_iter=40), names, plain),
    }
    for name, (estimator, label, how) in cases.items():
        name, how = f"onnx_{name}", dict(how)
        if not wanted(name):
            continue
        rows = gaps if how.pop("gaps", False) else x
        estimator.fit(rows, label)
        classifier = hasattr(estimator, "classes_")
        options = {id(estimator): {"zipmap": len(name) % 2 == 0}} if classifier and "svc" not in name else None
        onnx_save(name, to_onnx(estimator, rows[:1].astype(np.float32), options=options), rows, rng, classifier, **how)
    for name, estimator in {"forest": RandomForestRegressor(10, max_depth=7), "tree": DecisionTreeRegressor(max_depth=7)}.items():
        if wanted(f"onnx_double_{name}"):
            estimator.fit(x, y)
            model = to_onnx(estimator, x[:1].astype(np.float64))
            # skl2onnx says double, but the operator's answer is float.
            model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
            onnx_save(f"onnx_double_{name}", model, x, rng, missing=False, double=True)
    if wanted("onnx_columns"):
        sklearn_columns(rng)


def sklearn_columns(rng):
    """Pipelines over a frame: one tensor per column, text and numbers."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    train, test = frame(rng, 1200, unseen=False), frame(rng, 500, unseen=True)
    for data in (train, test):
        data["wind speed"] = data["wind speed"].fillna(0.0)
        data["carrier"] = data["carrier"].fillna("none")
        data["origin"] = data["origin"].fillna("none")
    y = train["distance"] / 300 + (train["carrier"] == "DL") + (train["hour"] == 12) * 2
    types = [("distance", FloatTensorType([None, 1])), ("carrier", StringTensorType([None, 1])), ("hour", Int64TensorType([None, 1])), ("wind speed", FloatTensorType([None, 1])), ("origin", StringTensorType([None, 1]))]
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    numbers = (StandardScaler(), ["distance", "wind speed"])
    cases = {
        "one_hot": (make_column_transformer(numbers, (one_hot, ["carrier", "origin"])), LogisticRegression(max_iter=300), np.where(y > 1, "late", "on time")),
        "one_hot_hours": (make_column_transformer(numbers, (one_hot, ["hour"])), LinearRegression(), y),
        "ordinal": (make_column_transformer(numbers, (ordinal, ["carrier", "origin"])), RandomForestClassifier(10, max_depth=6), np.digitize(y, [0, 2])),
    }
    for name, (encoder, head, label) in cases.items():
        pipeline = make_pipeline(encoder, head).fit(train, label)
        classifier = hasattr(head, "classes_")
        used = [t for t in types if any(t[0] in columns for _, _, columns in encoder.transformers)]
        model = to_onnx(pipeline, initial_types=used, options={id(head): {"zipmap": False}} if classifier else None, target_opset={"": 17, "ai.onnx.ml": 3})
        cast = {"distance": np.float32, "wind speed": np.float32, "hour": np.int64}
        feed = {c.replace(" ", "_"): test[[c]].to_numpy().astype(cast.get(c, str)).astype(cast.get(c, object)) for c, _ in used}
        columns = {c.replace(" ", "_"): test[c].tolist() for c, _ in used}
        save(f"onnx_columns_{name}", "onnx", model.SerializeToString(), columns, onnx_answers(onnx_run(model, feed), classifier), text=("carrier", "origin"), integers=["hour"])


def converted_cases():
    from onnxmltools import convert_lightgbm, convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    rng = np.random.default_rng(4)
    x = features(rng, 1000, 6)
    y = target(rng, x)
    labels = {"regression": y, "binary": (y > 0).astype(int), "multiclass": np.digitize(y, [-1, 1])}
    types = [("input", FloatTensorType([None, 6]))]
    for kind, label in labels.items():
        classifier = kind != "regression"
        if wanted(f"onnx_lightgbm_{kind}"):
            estimator = (lgb.LGBMClassifier if classifier else lgb.LGBMRegressor)(n_estimators=20, verbosity=-1).fit(x, label)
            onnx_save(f"onnx_lightgbm_{kind}", convert_lightgbm(estimator, initial_types=types, target_opset=15, zipmap=False), x, rng, classifier)
        if wanted(f"onnx_xgboost_{kind}"):
            estimator = (xgb.XGBClassifier if classifier else xgb.XGBRegressor)(n_estimators=20, max_depth=4, base_score=0.5 if classifier else 0.0).fit(x, label)
            onnx_save(f"onnx_xgboost_{kind}", convert_xgboost(estimator, initial_types=types, target_opset=15), x, rng, classifier)


def network(rng, last, outputs):
    """As an exporter of networks writes it: Gemm, Relu, Gemm, and what the classifier ends in."""
    shapes = [(16, 5), (8, 16), (outputs, 8)]
    weights = [numpy_helper.from_array((rng.normal(size=s) / np.sqrt(s[1])).astype(np.float32), f"w{i}") for i, s in enumerate(shapes)]
    weights += [numpy_helper.from_array(rng.normal(size=s[0]).astype(np.float32), f"b{i}") for i, s in enumerate(shapes)]
    nodes, at = [], "x"
    for i in range(3):
        nodes.append(helper.make_node("Gemm", [at, f"w{i}", f"b{i}"], [f"g{i}"], transB=1, alpha=1.0, beta=1.0))
        at = f"g{i}"
        if i < 2:
            nodes.append(helper.make_node(["Relu", "Tanh"][i], [at], [f"a{i}"]))
            at = f"a{i}"
    nodes.append(helper.make_node(last, [at], ["y"]))
    tensor = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])
    graph = helper.make_graph(nodes, "network", [tensor("x", 5)], [tensor("y", outputs)], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def network_cases():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(300, 5))
    if wanted("onnx_network_sigmoid"):
        onnx_save("onnx_network_sigmoid", network(rng, "Sigmoid", 1), x, rng, wild=False)
    if wanted("onnx_network_softmax"):
        model = network(rng, "Softmax", 4)
        scores = onnx_run(model, {"x": x.astype(np.float32)})[0]
        save("onnx_network_softmax", "onnx", model.SerializeToString(), {f"f{i}": x[:, i] for i in range(5)}, {"proba": scores, "value": np.argmax(scores, axis=1)})


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    lightgbm_cases()
    xgboost_cases()
    sklearn_cases()
    converted_cases()
    network_cases()
    with open(f"{OUT}/cases.json", "w") as file:
        json.dump(CASES, file, indent=1)
