from .compose import seq2seq as seq2seq
from .decoders.rnn import RNNDecoder as RNNDecoder
from .decoders.transformer import TransformerDecoder as TransformerDecoder
from .encoders.rnn import RNNEncoder as RNNEncoder
from .encoders.transformer import TransformerEncoder as TransformerEncoder
from .encoding import Encoding as Encoding
from .views import Views as Views
