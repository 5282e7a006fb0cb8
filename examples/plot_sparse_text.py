"""
Sparse text
===========

Text becomes a sparse matrix with one column per word. The network takes it directly: no
batch is ever made dense before the first layer. This example trains on 262144 columns,
and shows which words a linear network has learned.
"""

# %%
# Some made-up messages about three subjects; about two thirds of the words are filler.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sknet import SimpleMLPClassifier


SUBJECTS = {
    "cooking": "oven flour butter sauce recipe simmer onion pepper dough spoon",
    "cycling": "pedal chain wheel brake saddle gear helmet climb sprint tyre",
    "gardening": "seed soil prune compost blossom rake hedge bulb mulch pot",
}
FILLER = [
    f"{a}{b}" for a in "bdfgklmnprst" for b in ("ado", "emi", "iro", "ola", "uno")
]
rng = np.random.default_rng(0)


def message(subject):
    """Return twelve words, about four of them on the subject."""
    n_telling = rng.binomial(12, 0.3)
    telling = rng.choice(SUBJECTS[subject].split(), n_telling)
    return " ".join(rng.permutation([*telling, *rng.choice(FILLER, 12 - n_telling)]))


labels = rng.choice(list(SUBJECTS), 1500)
texts = [message(label) for label in labels]
train, test, y_train, y_test = train_test_split(texts, labels, random_state=0)
print(y_train[0], "|", train[0])

# %%
# A hashing vectorizer needs no vocabulary, but many columns. As a dense matrix they
# would take 2.4 GB; the sparse matrix stores only the words that occur.

vectorizer = HashingVectorizer(n_features=2**18, alternate_sign=False)
X_train = vectorizer.transform(train).astype("float32")
stored = X_train.data.nbytes + X_train.indices.nbytes + X_train.indptr.nbytes
print(f"{X_train.shape} in {stored / 1e3:.0f} kB")

hashed = SimpleMLPClassifier((8,), learning_rate_init=0.02, tol=1e-3, random_state=0)
hashed.fit(X_train, y_train)
accuracy = hashed.score(vectorizer.transform(test).astype("float32"), y_test)
print(f"hashed words: accuracy {accuracy:.3f} after {hashed.n_iter_} epochs")

# %%
# With a vocabulary the columns have names, and without a hidden layer there is one
# weight per word and class. (The network is then a logistic regression.)

linear = make_pipeline(
    CountVectorizer(),
    SimpleMLPClassifier((), solver="lbfgs", alpha=1.0, random_state=0),
)
linear.fit(train, y_train)
print(f"counted words: accuracy {linear.score(test, y_test):.3f}")

words = linear[0].get_feature_names_out()
weights = linear[1].coefs_[0]
figure, panels = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained", sharex=True)
colors = ["#0072B2", "#D55E00", "#009E73"]
for k, (panel, color) in enumerate(zip(panels, colors, strict=True)):
    largest = np.argsort(weights[:, k])[-12:]
    panel.barh(words[largest], weights[largest, k], color=color)
    panel.set(xlabel="weight", title=linear.classes_[k])
panels[0].set_ylabel("word")
plt.show()

# %%
# What to try next: ``TfidfVectorizer`` and pairs of words (``ngram_range=(1, 2)``);
# a target with several subjects per message, as an indicator matrix;
# ``partial_fit`` with the hashing vectorizer on a stream of texts, as in
# :ref:`sphx_glr_auto_examples_plot_out_of_core.py`.
